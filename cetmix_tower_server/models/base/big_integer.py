from odoo import fields


class BigInteger(fields.Integer):
    """An integer column of 64 bits: what a command prints may be counted beyond two thousand million."""

    _column_type = ("int8", "int8")
