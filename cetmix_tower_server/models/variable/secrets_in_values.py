from odoo import api, models
from odoo.exceptions import ValidationError

from ...engine.masking.in_use import names_in_use
from ..base.engine_context import heard


class CxTowerVariableValue(models.Model):
    """Values are stored in clear text and shown to people, so a run cannot write its secrets into them.

    A masked value would be wrong where it is used, so such a value is refused. It can name the secret instead.
    """

    _inherit = "cx.tower.variable.value"

    @api.model_create_multi
    def create(self, vals_list):
        values = super().create(vals_list)
        # the stored texts: they may come from defaults and options, too
        for value in values:
            value._check_holds_no_secret(value.value_char)
        return values

    def write(self, vals):
        text = vals.get("value_char")
        if text:
            for value in self:
                if value.value_char != text:
                    value._check_holds_no_secret(text)
        return super().write(vals)

    def _check_holds_no_secret(self, text):
        """Raise ValidationError if a text contains a secret of the run that writes it.

        A text that Tower copies, or that another value holds for at least the same people, is stored in clear text already.
        """
        names = isinstance(text, str) and names_in_use(text)
        if not names or text in (heard(self.env, "tower_copied_texts") or ()):
            return
        # sudo: only whether the text is known already; nothing of the other values is shown
        others = self.sudo().with_context(active_test=False)
        domain = [("value_char", "=", text), ("access_level", "<=", self.access_level), ("id", "!=", self.id)]
        if not others.search_count(domain, limit=1):
            raise ValidationError(
                self.env._(
                    "The value of “%(variable)s” contains the secret “%(secret)s”. Values are stored in clear text. Enter"
                    " a reference to the secret as the value, or use the secret in the command itself.",
                    variable=self.variable_id.sudo().name,  # sudo: only the name, of a value that the caller writes
                    secret="”, “".join(names),
                )
            )
