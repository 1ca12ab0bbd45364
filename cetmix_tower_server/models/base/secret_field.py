from odoo import fields

#: Attributes of a field whose value is in the vault: no column, nothing to copy, export, search or group by.
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
