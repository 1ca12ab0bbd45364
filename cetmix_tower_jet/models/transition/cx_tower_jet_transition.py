from odoo import api, fields, models

WAITING, RUNNING, DONE, FAILED, STOPPED, INTERRUPTED, CORRECTED = (
    "waiting",
    "running",
    "done",
    "failed",
    "stopped",
    "interrupted",
    "corrected",
)
STATES = [
    (WAITING, "Waiting for dependencies"),
    (RUNNING, "Running"),
    (DONE, "Done"),
    (FAILED, "Failed"),
    (STOPPED, "Stopped"),
    (INTERRUPTED, "Interrupted"),
    (CORRECTED, "Corrected by hand"),
]
LIVE = (WAITING, RUNNING)
SOURCES = [
    ("person", "Person"),
    ("schedule", "Scheduled task"),
    ("command", "Command"),
    ("request", "Jet request"),
    ("clone", "Clone"),
    ("transfer", "Transfer"),
    ("upkeep", "Tower itself"),
]
STATE_LINK = {"comodel_name": "cx.tower.jet.state", "readonly": True, "ondelete": "set null"}


class CxTowerJetTransition(models.Model):
    """One action triggered on one jet, from the trigger to its end; or the correction of a state by hand.

    Rows are written by the engine only. They keep what the action said when it was triggered, so a transition ends as it began
    even if the action is changed or deleted meanwhile. See ``docs/developer/jets.md``.
    """

    _name = "cx.tower.jet.transition"
    _description = "Tower Jet Transition"
    _inherit = ["cx.tower.access.mixin"]
    _order = "id desc"
    _rec_name = "action_name"

    jet_id = fields.Many2one("cx.tower.jet", required=True, readonly=True, ondelete="cascade")
    action_id = fields.Many2one(
        "cx.tower.jet.action", readonly=True, ondelete="set null", index="btree_not_null"
    )
    action_name = fields.Char(string="Action name", readonly=True)
    access_level = fields.Selection(default="1", readonly=True)
    state_from_id = fields.Many2one(**STATE_LINK, string="From")
    state_transit_id = fields.Many2one(**STATE_LINK, string="Through")
    state_to_id = fields.Many2one(**STATE_LINK, string="To")
    state_error_id = fields.Many2one(**STATE_LINK, string="After a failure")
    is_destroy = fields.Boolean(string="Destroys the jet", readonly=True)
    plan_id = fields.Many2one("cx.tower.plan", string="Flight plan", readonly=True, ondelete="set null")
    user_id = fields.Many2one(
        "res.users", string="Started by", readonly=True, ondelete="set null", index="btree_not_null"
    )
    source = fields.Selection(SOURCES, string="Asked for by", required=True, readonly=True, default="person")
    level = fields.Char(
        readonly=True,
        export_string_translation=False,
        help="Highest access level of the actions that may follow in the journey.",
    )
    command_log_id = fields.Many2one(
        "cx.tower.command.log",
        string="Asked for by run",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    plan_log_id = fields.Many2one(
        "cx.tower.plan.log", string="Run", readonly=True, ondelete="set null", index="btree_not_null"
    )
    journey_state_id = fields.Many2one(**STATE_LINK, string="Journey to")
    is_journey_to_end = fields.Boolean(string="Journey ends with destroying", readonly=True)
    first_transition_id = fields.Many2one(
        "cx.tower.jet.transition",
        string="Journey began with",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    parent_id = fields.Many2one(
        "cx.tower.jet.transition",
        string="Inside",
        readonly=True,
        ondelete="cascade",
        help="The action whose flight plan began this movement of the jet: the jet is taken by that action.",
    )
    resumes_id = fields.Many2one(
        "cx.tower.jet.transition",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    state = fields.Selection(STATES, required=True, readonly=True, default=RUNNING)
    start_date = fields.Datetime(readonly=True)
    finish_date = fields.Datetime(readonly=True)
    duration = fields.Float(readonly=True, aggregator=None, help="Seconds from start to finish.")
    message = fields.Text(readonly=True, help="How it ended, in one sentence.")
    exit_code = fields.Integer(
        readonly=True,
        aggregator=None,
        help="0: it succeeded, or has not ended. Otherwise that of its flight plan, or of Tower.",
    )
    deadline = fields.Datetime(readonly=True, help="Until then the dependencies must be met.")
    stop_requested_by_id = fields.Many2one("res.users", string="Stop requested by", readonly=True)

    _one_live = models.UniqueIndex(
        "(jet_id) WHERE state IN ('waiting', 'running') AND parent_id IS NULL",
        "Another action is running on this jet.",
    )
    _one_live_inside = models.UniqueIndex(
        "(parent_id) WHERE state IN ('waiting', 'running') AND parent_id IS NOT NULL",
        "Another movement is running inside this action.",
    )
    _inside = models.Index("(parent_id) WHERE parent_id IS NOT NULL")
    _of_jet = models.Index("(jet_id, id DESC)")
    _live = models.Index("(id) WHERE state IN ('waiting', 'running')")
    _waited_for = models.Index("(command_log_id) WHERE state IN ('waiting', 'running')")

    @api.depends("action_name", "jet_id")
    def _compute_display_name(self):
        for transition in self:
            name = transition.action_name or self.env._("Correction")
            transition.display_name = f"{transition.jet_id.name}: {name}"

    def _is_journey(self):
        """Return whether more than this action may have been asked for."""
        self.ensure_one()
        return bool(self.journey_state_id or self.is_journey_to_end)
