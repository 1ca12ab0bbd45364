from functools import partial

from odoo import api, models
from odoo.fields import Domain


class CxTowerCommand(models.Model):
    """Tower's own commands, to which runs of typed code, of files and of server logs belong.

    Nobody chooses one: no search of a person finds them, archived ones included, so they are in no picker, list or group.
    Nobody changes or deletes one either: the runs of everybody would fail then. Reading one is open, for its runs name it.
    """

    _inherit = "cx.tower.command"

    @api.model
    def _get_internal_xmlids(self):
        """Return the external ids of Tower's own commands. Extension point of addons that have some."""
        names = ["ad_hoc_ssh_command", "ad_hoc_python_code", "server_log_file"]
        names += [f"file_{operation}" for operation in ("push", "pull", "compare", "delete")]
        return [f"cetmix_tower_server.command_{name}" for name in names]

    @api.model
    def _internal_commands(self):
        """Return Tower's own commands; looked up in the cache of external ids."""
        refs = (
            self.env["ir.model.data"]._xmlid_to_res_id(xmlid, raise_if_not_found=False)
            for xmlid in self._get_internal_xmlids()
        )
        return self.browse(filter(None, refs))

    @api.model
    def _search(self, domain, *args, active_test=True, bypass_access=False, **kwargs):
        # without active_test it is no search, but Odoo reading records that are known, or following links to them
        if active_test and not bypass_access and not self.env.su:
            domain = Domain(domain) & Domain("id", "not in", self._internal_commands().ids)
        return super()._search(domain, *args, active_test=active_test, bypass_access=bypass_access, **kwargs)

    def _check_access(self, operation):
        refused = super()._check_access(operation)
        if operation not in ("write", "unlink") or self.env.su:
            return refused
        internal = self & self._internal_commands()
        if not internal:
            return refused
        error = partial(self.env["ir.rule"]._make_access_error, operation, internal)
        return (internal | refused[0] if refused else internal), error

    def _who_may_write(self):
        if self in self._internal_commands():
            return self.env._("It is part of Tower and cannot be changed.")
        return super()._who_may_write()

    def _who_may_delete(self):
        if self in self._internal_commands():
            return self.env._("It is part of Tower and cannot be deleted: runs refer to it.")
        return super()._who_may_delete()
