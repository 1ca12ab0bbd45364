from odoo import api, fields, models
from odoo.addons.cetmix_tower_server.engine.exit_codes import ExitCode
from odoo.addons.cetmix_tower_server.engine.run_end import NOTHING, RunEnd
from odoo.tools import SQL

ACTION = "site_approval"


class CxTowerSiteApproval(models.Model):
    """A question that a run asks, and waits for the answer."""

    _name = "cx.tower.site.approval"
    _description = "Tower Site Approval"

    site_id = fields.Many2one("cx.tower.site", required=True, ondelete="cascade", index=True)
    log_id = fields.Many2one("cx.tower.command.log", required=True, ondelete="cascade", index=True)
    question = fields.Text()
    state = fields.Selection(
        [("open", "Open"), ("approved", "Approved"), ("refused", "Refused"), ("withdrawn", "Withdrawn")],
        default="open",
        required=True,
    )


class CxTowerSite(models.Model):
    """The buttons that answer."""

    _inherit = "cx.tower.site"

    approval_ids = fields.One2many("cx.tower.site.approval", "site_id", readonly=True)

    def action_approve(self):
        """Approve what runs on this site ask; they continue (button).

        :raise AccessError: the caller may not write the site
        """
        self._answer("approved")

    def action_refuse(self):
        """Refuse what runs on this site ask; they fail (button). Errors: as of :meth:`action_approve`."""
        self._answer("refused")

    def _answer(self, answer):
        self.check_access("write")
        # sudo: approvals belong to runs; who may write the site answers them
        for approval in self.sudo().approval_ids.filtered(lambda approval: approval.state == "open"):
            approval.state = answer
            approval.log_id._approval_answered(answer, self.env.user)


class CxTowerCommand(models.Model):
    """An action that waits."""

    _inherit = "cx.tower.command"

    refused_exit_code = fields.Integer(default=1, help="Exit code when the approval is refused.")

    @api.model
    def _selection_action(self):
        return [*super()._selection_action(), (ACTION, "Wait for approval of the site")]

    @api.model
    def _get_waiting_actions(self):
        return [*super()._get_waiting_actions(), ACTION]

    def _action_document(self):
        document = super()._action_document()
        return document | {ACTION: {"refused": self.refused_exit_code}} if self.action == ACTION else document


class CxTowerCommandLog(models.Model):
    """A run that waits for an approval."""

    _inherit = "cx.tower.command.log"

    def _begin_waiting(self, lane=None):
        if self.command_action != ACTION:
            return super()._begin_waiting(lane)
        site = self._run_target()
        if site._name != "cx.tower.site":
            text = self.env._("“%s” runs on sites only.", self.command_id.name)
            return self._end_waiting(RunEnd.prevented(ExitCode.GENERAL_ERROR, text), lane)
        question = self._inputs__()[0]["code"]
        self.env["cx.tower.site.approval"].create(
            {"site_id": site.id, "log_id": self.id, "question": question}
        )
        return NOTHING

    def _approval_answered(self, answer, user):
        """End this run. Called in the transaction of the answer: both are committed, or neither."""
        if answer == "approved":
            own = self._custom_values__()
            own = own.changed({**own.values, "approved_by": user.name})
            end = RunEnd(ExitCode.OK).with_columns(**self._changed_custom_values__(own))
        else:
            text = self.env._("Refused by %s.", user.name)
            end = RunEnd(self._inputs__()[0][ACTION]["refused"], text)
        self._waited_for_ended(end)

    def _stop_waited(self, user):
        super()._stop_waited(user)
        self._open_approvals().state = "withdrawn"

    @api.model
    def _get_waited_for_conditions(self):
        is_open = SQL(
            "EXISTS (SELECT FROM cx_tower_site_approval a WHERE a.log_id = log.id AND a.state = 'open')"
        )
        return [*super()._get_waited_for_conditions(), is_open]

    def _get_waiting_texts(self):
        texts = super()._get_waiting_texts()
        for approval in self._open_approvals():
            texts[approval.log_id.id] = self.env._("Waiting for approval on “%s”.", approval.site_id.name)
        return texts

    def _open_approvals(self):
        return self.env["cx.tower.site.approval"].search([("log_id", "in", self.ids), ("state", "=", "open")])
