"""Kinds of fields that Odoo does not have."""

from odoo import fields

#: Attributes of a field whose value is in the vault: no column, and not copied, exported, searched or grouped by.
_VAULTED = {
    "compute": "_compute_secret_fields",
    "readonly": False,
    "copy": False,
    "exportable": False,
    "prefetch": False,
}


class SecretChar(fields.Char):
    """Write-only text of a model with ``cx.tower.vault.mixin``: reading gives ``*****`` or False."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{**_VAULTED, **kwargs})


class SecretText(fields.Text):
    """Write-only text of several lines; see :class:`SecretChar`."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{**_VAULTED, **kwargs})


class BigInteger(fields.Integer):
    """An integer column of 64 bits. Positions in a command's output can exceed 32 bits."""

    _column_type = ("int8", "int8")
