import logging

from odoo import models
from odoo.exceptions import AccessError

_logger = logging.getLogger(__name__)


class IrModelAccess(models.Model):
    _inherit = "ir.model.access"

    def _make_access_error(self, model, mode):
        """Return the refusal of an operation on a model of Tower in Tower's words: what, and which level may."""
        if not model.startswith("cx.tower."):
            return super()._make_access_error(model, mode)
        _logger.info("Refused by model rights: %s on %s for user %s", mode, model, self.env.uid)
        kind = self.env["ir.model"]._get(model).name or model
        texts = {
            "read": self.env._("%s: your level in Tower does not let you see these.", kind),
            "write": self.env._("%s: your level in Tower does not let you change these.", kind),
            "create": self.env._("%s: your level in Tower does not let you create these.", kind),
            "unlink": self.env._("%s: your level in Tower does not let you delete these.", kind),
        }
        groups = ", ".join(self.group_names_with_access(model, mode))
        who = self.env._("Allowed: %s.", groups) if groups else self.env._("Tower does this by itself.")
        return AccessError(f"{texts[mode]} {who}")
