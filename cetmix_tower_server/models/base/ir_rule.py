import logging

from odoo import models
from odoo.exceptions import AccessError

_logger = logging.getLogger(__name__)


class IrRule(models.Model):
    _inherit = "ir.rule"

    def _make_access_error(self, operation, records):
        """Return the refusal of an operation on records of Tower in Tower's words: what, and who may."""
        if not records._name.startswith("cx.tower."):
            return super()._make_access_error(operation, records)
        _logger.info(
            "Refused by record rules: %s on %s %r for user %s",
            operation,
            records._name,
            records.ids[:6],
            self.env.uid,
        )
        error = AccessError(self._tower_refusal(operation, records))
        records.invalidate_recordset()  # it was read with more rights, for the message
        return error

    def _tower_refusal(self, operation, records):
        env = self.with_context(**self.env.user.context_get()).env
        kind = env["ir.model"]._get(records._name).name or records._name
        record = records[:1].with_env(env)
        if operation == "read" or not record.with_user(env.user).has_access("read"):
            return env._(
                "%(kind)s: there is a record here that you may not see. Root, or one of its Managers, can give you access.",
                kind=kind,
            )
        facts = {
            "kind": kind,
            "name": record.sudo().display_name,
        }  # sudo: it is readable, its parts may not be
        if operation == "unlink":
            text = env._("%(kind)s “%(name)s” cannot be deleted by you.", **facts)
            return f"{text} {self._tower_who(record, '_who_may_delete')}"
        if operation == "write":
            text = env._("%(kind)s “%(name)s” cannot be changed by you.", **facts)
        else:
            text = env._("%(kind)s “%(name)s” cannot be created by you like this.", **facts)
        return f"{text} {self._tower_who(record, '_who_may_write')}"

    def _tower_who(self, record, hook):
        """Return who may do it; records without the hook are left to Root."""
        method = getattr(record, hook, None)
        return method() if method else record.env._("Only Root may.")
