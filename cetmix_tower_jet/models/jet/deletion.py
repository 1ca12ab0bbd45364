from odoo import api, models
from odoo.addons.cetmix_tower_server.models.server.cx_tower_server import RUN_MODELS
from odoo.exceptions import UserError


class CxTowerJet(models.Model):
    """Deleting jets. No action runs: what they have on their hosts stays there, except files that Tower deletes itself."""

    _inherit = "cx.tower.jet"

    def unlink(self):
        """Delete jets. Their files are deleted on the hosts under the same rules as by themselves.

        If the process dies before the commit, the jets are still there, and nothing was started on a host.
        """
        self.check_access("unlink")
        # before their files are touched, so that the first problem is the one that is named
        self._check_may_be_deleted()
        files = self._files_with_archived()
        files._unlink_except_in_run()
        doomed = files._deleted_on_the_host()
        frozen = {
            server: [file._deletion_document() for file in group]
            for server, group in doomed.grouped("server_id").items()
        }
        # The deletions run on the servers, which outlive the jets.
        doomed._write_quietly({"keep_when_deleted": True})
        files.unlink()
        result = super().unlink()
        for server, documents in frozen.items():
            server._start_deletion(documents)
        return result

    def _files_with_archived(self):
        # sudo: whoever may delete a jet deletes all that belongs to it
        return (
            self.env["cx.tower.file"]
            .sudo()
            .with_context(active_test=False)
            .search([("jet_id", "in", self.ids)])
        )

    # ------------------------------------------------------------------ what prevents it

    @api.ondelete(at_uninstall=False)
    def _unlink_except_needed(self):
        self._check_may_be_deleted()

    @api.ondelete(at_uninstall=False)
    def _unlink_keeping_runs(self):
        for model in RUN_MODELS:
            self.env[model]._outlive("jet_id", self)

    def _check_may_be_deleted(self):
        """Raise UserError for the first of these jets that is busy, kept by its flight plans, or needed by another jet."""
        for jet in self:
            if jet._is_busy():
                raise UserError(
                    self.env._(
                        "“%(jet)s” cannot be deleted now: %(busy)s. Wait for it to end, or stop it.",
                        jet=jet.name,
                        busy=jet._busy_text(),
                    )
                )
            if not jet.deletable:
                raise UserError(jet._kept_text())
        self._check_no_dependants()
        for model in RUN_MODELS:
            self.env[model]._check_no_active_runs("jet_id", self)

    def _kept_text(self):
        destroy = self._destroying_action()
        if destroy and self.state_id:
            return self.env._(
                "“%(jet)s” cannot be deleted because its flight plans say that it still has something on %(server)s. Destroy it"
                " first, with the action “%(action)s”.",
                jet=self.name,
                server=self.server_id.sudo().name,  # sudo: where the jet is, for who may read it
                action=destroy.name,
            )
        return self.env._(
            "“%s” cannot be deleted because its flight plans have switched deleting off. A Manager of the jet can switch it on"
            " again.",
            self.name,
        )

    def _check_no_dependants(self):
        """Raise UserError if another jet, which was not destroyed, depends on one of these."""
        # sudo: jets that the caller may not read depend on it, too; they are only counted
        links = self.env["cx.tower.jet.dependency"].sudo().search([("jet_depends_on_id", "in", self.ids)])
        links = links.filtered(lambda link: link.jet_id.seat and link.jet_id not in self)
        if links:
            jet = links[0].jet_depends_on_id
            dependants = links.filtered(lambda link: link.jet_depends_on_id == jet).jet_id.with_env(self.env)
            raise UserError(
                self.env._(
                    "“%(jet)s” cannot be deleted because it is needed by %(dependants)s. Destroy or delete them first, or link them"
                    " to another jet.",
                    jet=jet.name,
                    dependants=dependants._names_for_caller(),
                )
            )

    # ------------------------------------------------------------------ what it means

    def describe_deletion(self):
        """Return the consequences of deleting these jets, for the confirmation dialog. Also for RPC.

        :raise AccessError: the caller may not read one of them
        :raise UserError: one of them cannot be deleted: nothing is left to confirm
        """
        self.check_access("read")
        self._check_may_be_deleted()
        return super().describe_deletion()

    def _label_of_link(self, model, name):
        if model == "cx.tower.jet.request":
            return self.env._("Requests of dependencies")
        return super()._label_of_link(model, name)

    def _destroying_action(self):
        """Return the action that destroys this jet, as superuser; empty if the template has none."""
        return self.sudo().jet_template_id.action_destroy_id  # sudo: a name, for who may read the jet

    def _deletion_on_hosts(self):
        lines = [jet._left_on_host_text() for jet in self if jet.state_id]
        files = self._files_with_archived()
        return [*super()._deletion_on_hosts(), *lines, *(files._deletion_on_hosts() if files else [])]

    def _left_on_host_text(self):
        """Return a sentence about what deleting this jet leaves on its host."""
        destroy = self._destroying_action()
        text = self.env._(
            "“%(jet)s” is in state “%(state)s”. Deleting it runs nothing: whatever it has on %(server)s stays there.",
            jet=self.name,
            state=self.state_id.sudo().name,  # sudo: of a jet that the caller may read
            server=self.server_id.sudo().name,  # sudo: as the state
        )
        if not destroy:
            return text
        return text + " " + self.env._("To remove it from there, destroy it with “%s” instead.", destroy.name)
