"""Odoo's refusals, worded for Tower's models: what was refused, and who is allowed to do it."""

import logging

from odoo import models
from odoo.exceptions import AccessError

_logger = logging.getLogger(__name__)
PREFIX = "cx.tower."


class IrModelAccess(models.Model):
    _inherit = "ir.model.access"

    def _make_access_error(self, model, mode):
        """Return the refusal of an operation on a whole model: which levels are allowed."""
        if not model.startswith(PREFIX):
            return super()._make_access_error(model, mode)
        _logger.info("Refused by model rights: %s on %s for user %s", mode, model, self.env.uid)
        kind = self.env["ir.model"]._get(model).name or model
        texts = {
            "read": self.env._("%s: your Tower access level does not allow you to see these.", kind),
            "write": self.env._("%s: your Tower access level does not allow you to change these.", kind),
            "create": self.env._("%s: your Tower access level does not allow you to create these.", kind),
            "unlink": self.env._("%s: your Tower access level does not allow you to delete these.", kind),
        }
        groups = ", ".join(self.group_names_with_access(model, mode))
        who = self.env._("Allowed: %s.", groups) if groups else self.env._("Only Tower itself does this.")
        return AccessError(f"{texts[mode]} {who}")


class IrRule(models.Model):
    _inherit = "ir.rule"

    def _make_access_error(self, operation, records):
        """Return the refusal of an operation on certain records: who is allowed to do it with these."""
        if not records._name.startswith(PREFIX):
            return super()._make_access_error(operation, records)
        _logger.info(
            "Refused by record rules: %s on %s %r for user %s",
            operation,
            records._name,
            records.ids[:6],
            self.env.uid,
        )
        error = AccessError(self._tower_refusal(operation, records))
        records.invalidate_recordset()  # the message was made with more rights than the caller's
        return error

    def _tower_refusal(self, operation, records):
        env = self.with_context(**self.env.user.context_get()).env
        kind = env["ir.model"]._get(records._name).name or records._name
        record = records[:1].with_env(env)
        if operation == "read" or not record.with_user(env.user).has_access("read"):
            return env._(
                "%(kind)s: you do not have access to one of these records. Ask Root, or one of its Managers, for access.",
                kind=kind,
            )
        # sudo: the caller may read the record, but not necessarily everything that its name is made of
        facts = {"kind": kind, "name": record.sudo().display_name}
        if operation == "unlink":
            text = env._("You are not allowed to delete %(kind)s “%(name)s”.", **facts)
            return f"{text} {self._tower_who(record, '_who_may_delete')}"
        if operation == "write":
            text = env._("You are not allowed to change %(kind)s “%(name)s”.", **facts)
        else:
            text = env._("You are not allowed to create %(kind)s “%(name)s” like this.", **facts)
        return f"{text} {self._tower_who(record, '_who_may_write')}"

    def _tower_who(self, record, hook):
        """Return who is allowed to; records without the hook are left to Root."""
        method = getattr(record, hook, None)
        return method() if method else record.env._("Only Root can do this.")
