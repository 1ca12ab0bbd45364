from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

CLONING, SWITCHING, DESTROYING, DONE, FAILED = "cloning", "switching", "destroying", "done", "failed"
STATES = [
    (CLONING, "Cloning"),
    (SWITCHING, "Waiting to switch"),
    (DESTROYING, "Destroying the original"),
    (DONE, "Done"),
    (FAILED, "Failed"),
]
LIVE = (CLONING, SWITCHING, DESTROYING)
JET_LINK = {
    "comodel_name": "cx.tower.jet",
    "readonly": True,
    "ondelete": "set null",
    "index": "btree_not_null",
}


class CxTowerJetTransfer(models.Model):
    """A jet on its way to another server: cloned there, then the clone takes its place. See ``docs/developer/clones.md``.

    Rows are written by the engine only, and stay when the jets are deleted.
    """

    _name = "cx.tower.jet.transfer"
    _description = "Tower Jet Transfer"
    _order = "id desc"
    _rec_name = "jet_name"

    jet_id = fields.Many2one(**JET_LINK, string="Original")
    new_jet_id = fields.Many2one(**JET_LINK, string="New jet")
    jet_name = fields.Char(readonly=True, help="Name of the jet when the transfer began.")
    server_from_id = fields.Many2one(
        "cx.tower.server", string="From server", readonly=True, ondelete="set null", index="btree_not_null"
    )
    server_id = fields.Many2one(
        "cx.tower.server", string="To server", readonly=True, ondelete="set null", index="btree_not_null"
    )
    user_id = fields.Many2one(
        "res.users", string="Started by", readonly=True, ondelete="set null", index="btree_not_null"
    )
    level = fields.Char(
        readonly=True,
        required=True,
        export_string_translation=False,
        help="Highest access level of the actions that the transfer may use.",
    )
    state = fields.Selection(STATES, required=True, readonly=True, default=CLONING)
    destroy_original = fields.Boolean(string="Destroys the original", readonly=True)
    copied_values = fields.Json(readonly=True, groups=fields.NO_ACCESS)
    message = fields.Text(readonly=True, help="Why it failed, or what it waits for.")
    start_date = fields.Datetime(string="Started", readonly=True, default=fields.Datetime.now)
    switch_date = fields.Datetime(
        string="Switched", readonly=True, help="When the new jet took the place of the original."
    )
    finish_date = fields.Datetime(string="Ended", readonly=True)
    transition_ids = fields.Many2many(
        "cx.tower.jet.transition",
        compute="_compute_transition_ids",
        string="Steps",
        help="What ran for it, in order: the clone plan, the actions of the new jet, and those that destroyed the original.",
    )
    may_retry = fields.Boolean(compute="_compute_may", export_string_translation=False)
    may_cancel = fields.Boolean(compute="_compute_may", export_string_translation=False)
    may_destroy = fields.Boolean(compute="_compute_may", export_string_translation=False)

    _one_live = models.UniqueIndex(
        "(jet_id) WHERE state IN ('cloning', 'switching', 'destroying')",
        "This jet is already being transferred.",
    )
    _one_live_new = models.UniqueIndex(
        "(new_jet_id) WHERE state IN ('cloning', 'switching', 'destroying')",
        "This jet is already being transferred.",
    )
    _live = models.Index("(id) WHERE state IN ('cloning', 'switching', 'destroying')")

    @api.depends("jet_name", "server_from_id", "server_id")
    def _compute_display_name(self):
        for transfer in self.sudo():  # sudo: names of servers, for who may read one of the jets
            transfer.display_name = self.env._(
                "%(jet)s: %(before)s → %(after)s",
                jet=transfer.jet_name or "",
                before=transfer.server_from_id.name or "?",
                after=transfer.server_id.name or "?",
            )

    # ------------------------------------------------------------------ for screens

    @api.depends("state", "jet_id.current_transition_id", "new_jet_id.current_transition_id")
    @api.depends_context("uid", "su")
    def _compute_transition_ids(self):
        facts = self.sudo()  # sudo: ids of jets; only transitions that the caller may read are shown
        jets = facts.jet_id | facts.new_jet_id
        domain = [("source", "=", "transfer"), ("jet_id", "in", jets.ids), ("parent_id", "=", False)]
        found = self.env["cx.tower.jet.transition"].search(domain, order="id") if jets else None
        for transfer, fact in zip(self, facts, strict=True):
            ends = fact.jet_id | fact.new_jet_id
            transfer.transition_ids = found and found.filtered(
                lambda one, fact=fact, ends=ends: one.sudo().jet_id in ends and fact._covers(one.sudo())
            )

    def _covers(self, transition):
        """Return whether a transition of one of the two jets belongs to this transfer, and not to one before or after it."""
        if transition.start_date < self.start_date:
            return False
        later = self.search(
            [
                ("id", ">", self.id),
                "|",
                ("jet_id", "=", transition.jet_id.id),
                ("new_jet_id", "=", transition.jet_id.id),
            ],
            order="id",
            limit=1,
        )
        return not later or transition.start_date < later.start_date

    @api.depends("state", "jet_id", "new_jet_id")
    @api.depends_context("uid", "su")
    def _compute_may(self):
        facts = self.sudo()  # sudo: how the transfers stand; the right to the jets is the caller's
        writable = set(facts.jet_id.with_env(self.env)._filtered_access("write").ids)
        failed = facts.filtered(lambda one: one.state == FAILED)
        last = failed._last_of_originals()
        for transfer, fact in zip(self, facts, strict=True):
            jet, may_write = fact.jet_id, fact.jet_id.id in writable
            transfer.may_retry = may_write and fact in failed and not fact._why_no_retry(last)
            transfer.may_cancel = may_write and fact.state == SWITCHING
            transfer.may_destroy = bool(
                may_write and fact.state == DONE and fact.switch_date and jet.active and jet.state_id
            )

    def action_open_jet(self):
        """Open the jet as it is now: the new one after the switch.

        :return: window action
        :raise AccessError: the caller may not read the transfer or the jet
        """
        return self._action_open_end(
            "new_jet_id" if self.sudo().switch_date else "jet_id"
        )  # sudo: how it stands

    def action_open_original(self):
        """Open the original. :return, raise: as :meth:`action_open_jet`"""
        return self._action_open_end("jet_id")

    def action_open_new_jet(self):
        """Open the new jet. :return, raise: as :meth:`action_open_jet`"""
        return self._action_open_end("new_jet_id")

    def _action_open_end(self, name):
        self.ensure_one()
        self.check_access("read")
        jet = self.sudo()[name].with_env(self.env)  # sudo: which jet it is; read as the caller
        if not jet:
            raise UserError(self.env._("The jet was deleted."))
        jet.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": jet._name,
            "res_id": jet.id,
            "view_mode": "form",
            "views": [(False, "form")],
        }

    def _action_open(self):
        """Return the action that opens this transfer."""
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "views": [(False, "form")],
        }

    # ------------------------------------------------------------------ facts

    @api.model
    def _of_jets(self, jets, states=LIVE):
        """Return the transfers of jets, as superuser: those that are originals, and those that are to take their place."""
        # sudo: the engine's own rows
        return self.sudo().search(
            Domain("state", "in", states)
            & (Domain("jet_id", "in", jets.ids) | Domain("new_jet_id", "in", jets.ids))
        )

    def _last_of_originals(self):
        """Return {jet: id of its last transfer} for the originals of these transfers."""
        if not self.jet_id:
            return {}
        groups = self._read_group([("jet_id", "in", self.jet_id.ids)], ["jet_id"], ["id:max"])
        return dict(groups)

    def _state_label(self):
        return dict(self._fields["state"]._description_selection(self.env))[self.state]

    def _result(self):
        """Return how this transfer stands as plain values that every RPC protocol can carry."""
        transfer = self.sudo()  # sudo: who began it is told how it stands
        return {
            "transfer": transfer.id,
            "state": transfer.state,
            "jet": transfer.jet_id.reference or "",
            "jet_id": transfer.jet_id.id or 0,
            "new_jet": transfer.new_jet_id.reference or "",
            "new_jet_id": transfer.new_jet_id.id or 0,
            "message": transfer.message or "",
        }


class CxTowerJet(models.Model):
    """The transfers of a jet."""

    _inherit = "cx.tower.jet"

    transfer_ids = fields.One2many(
        "cx.tower.jet.transfer", "new_jet_id", string="Transferred by", readonly=True, copy=False
    )
    transfer_away_ids = fields.One2many(
        "cx.tower.jet.transfer", "jet_id", string="Transfers", readonly=True, copy=False
    )
