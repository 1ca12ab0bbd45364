from collections import defaultdict

from odoo import api, fields, models

from .levels import level_in_tower


class ResUsers(models.Model):
    """A switch of the jet form, kept for each person."""

    _inherit = "res.users"

    cetmix_tower_show_jet_available_states = fields.Boolean(
        string="Show available states of jets", export_string_translation=False
    )

    @property
    def SELF_READABLE_FIELDS(self):
        return super().SELF_READABLE_FIELDS + ["cetmix_tower_show_jet_available_states"]

    @property
    def SELF_WRITEABLE_FIELDS(self):
        return super().SELF_WRITEABLE_FIELDS + ["cetmix_tower_show_jet_available_states"]


class CxTowerJet(models.Model):
    """What a jet offers to the person who looks at it: actions, states, and what it is busy with."""

    _inherit = "cx.tower.jet"

    action_available_ids = fields.Many2many(
        "cx.tower.jet.action",
        string="Available actions",
        compute="_compute_offers",
        context={"active_test": False},
        help="What you can trigger now.",
    )
    state_available_ids = fields.Many2many(
        "cx.tower.jet.state",
        string="Available states",
        compute="_compute_offers",
        help="States that you can bring the jet to now.",
    )
    jet_template_state_ids = fields.Many2many(
        "cx.tower.jet.state",
        string="States of the template",
        compute="_compute_jet_template_state_ids",
    )
    show_available_states = fields.Boolean(
        compute="_compute_show_available_states",
        inverse="_inverse_show_available_states",
        groups="cetmix_tower_server.group_manager",
    )
    busy_text = fields.Char(
        string="Busy with", compute="_compute_busy", help="What runs, who started it and since when."
    )
    busy_since = fields.Datetime(compute="_compute_busy")
    may_stop = fields.Boolean(compute="_compute_busy")
    live_plan_log_id = fields.Many2one(
        "cx.tower.plan.log",
        string="Run of the last action",
        compute="_compute_live_plan_log_id",
        help="Flight plan run of the present action, or of the last one, for those who may read it.",
    )

    @api.depends(
        "state_id",
        "current_transition_id",
        "active",
        "manager_ids",
        "jet_template_id.action_ids.state_from_id",
    )
    @api.depends_context("uid", "su")
    def _compute_offers(self):
        Action, State = self.env["cx.tower.jet.action"], self.env["cx.tower.jet.state"]
        jets = self.sudo()  # sudo: what is read here is filtered by level, and by the rules of actions
        jets.jet_template_id.action_ids.fetch(["state_from_id", "state_to_id", "access_level"])
        everything = Action.with_context(active_test=False)  # also actions of an archived template
        readable = set(everything.search([("jet_template_id", "in", jets.jet_template_id.ids)]).ids)
        # Jets of one template in one state are offered the same: assigning it jet by jet takes longer than all the rest.
        alike = defaultdict(lambda: defaultdict(list))
        for jet, level in zip(jets, self._levels_of_caller(), strict=True):
            can_move = jet._origin and jet.active and jet.jet_template_id and not jet.current_transition_id
            alike[jet.jet_template_id, level if can_move else None][jet.state_id].append(jet.id)
        for (template, level), by_state in alike.items():
            lifecycle = template._lifecycle(level) if level else None
            for state, ids in by_state.items():
                group = self.browse(ids)
                actions, states = self._offered(lifecycle, state, level) if lifecycle else ([], [])
                group.action_available_ids = Action.browse(one for one in actions if one in readable)
                group.state_available_ids = State.browse(states)

    @api.model
    def _offered(self, lifecycle, state, level):
        """Return (ids of actions, ids of states) that a jet in a state can take, or be brought to.

        :param lifecycle: :class:`engine.lifecycle.Lifecycle` of the actions up to the level
        :param level: access level up to which states are offered
        """
        here = state.id or None
        reachable = [one for one in lifecycle.reachable(here) if one and one != here]
        # sudo: levels are compared here, names are shown
        states = self.env["cx.tower.jet.state"].sudo().browse(reachable)
        allowed = states.filtered(lambda one: one.access_level <= level)
        return [action.id for action in lifecycle.available(here)], allowed.sorted().ids

    @api.depends("jet_template_id.action_ids.state_from_id", "jet_template_id.action_ids.state_to_id")
    @api.depends_context("uid", "su")
    def _compute_jet_template_state_ids(self):
        level = level_in_tower(self.env)
        for jet in self:
            # sudo: of the states only those are shown that the caller may read
            actions = jet.sudo().jet_template_id.action_ids
            states = actions.state_from_id | actions.state_to_id | actions.state_error_id
            readable = (states | jet.sudo().state_id).filtered(lambda state: state.access_level <= level)
            jet.jet_template_state_ids = readable.sudo(False).sorted()

    @api.depends_context("uid")
    def _compute_show_available_states(self):
        self.show_available_states = self.env.user.cetmix_tower_show_jet_available_states

    def _inverse_show_available_states(self):
        self.env.user.cetmix_tower_show_jet_available_states = self[:1].show_available_states

    @api.depends("current_transition_id")
    @api.depends_context("uid", "su", "lang", "tz")
    def _compute_busy(self):
        # sudo: everybody who sees a jet is told what it is busy with, not the transition itself
        self.sudo().current_transition_id.fetch(["action_name", "user_id", "start_date", "state"])
        busy = self.filtered(lambda jet: jet.sudo().current_transition_id)
        # Some of these may flush, which empties the cache: everything is found out first, then assigned.
        found = {
            jet: (jet._busy_text(), jet.sudo().current_transition_id.start_date, jet._is_stopper())
            for jet in busy
        }
        for jet in self:
            jet.busy_text, jet.busy_since, jet.may_stop = found.get(jet, (False, False, False))

    @api.depends("transition_ids.plan_log_id")
    @api.depends_context("uid", "su")
    def _compute_live_plan_log_id(self):
        Transition = self.env["cx.tower.jet.transition"]
        rows = Transition.sudo()._read_group(  # sudo: the run itself is shown to those who may read it
            [("jet_id", "in", self.ids), ("state", "!=", "corrected"), ("parent_id", "=", False)],
            ["jet_id"],
            ["id:max"],
        )
        last = {jet.id: Transition.sudo().browse(number).plan_log_id for jet, number in rows}
        logs = self.env["cx.tower.plan.log"].browse({log.id for log in last.values() if log})
        readable = logs._filtered_access("read")
        for jet in self:
            log = last.get(jet.id, Transition.plan_log_id).sudo(False)
            jet.live_plan_log_id = log if log in readable else False

    def get_lifecycle_graph(self):
        """Return the lifecycle of this jet's template, with what holds for this jet, for the graph.

        :return: dict: ``states`` (``id``, ``name``, ``reference``, ``color``), ``actions`` (``id``, ``name``, ``state_from_id``,
            ``state_transit_id``, ``state_to_id``, ``state_error_id`` (False for none), ``is_available``, ``is_running``,
            ``access_level``), ``state_id`` and ``transit_state_id`` (False for none)
        :raise AccessError: the caller may not read the jet
        """
        self.ensure_one()
        self.check_access("read")
        # sudo: names of states and actions, for whoever sees the jet
        graph = self.sudo().jet_template_id.get_lifecycle_graph()
        available, running = set(self.action_available_ids.ids), self.sudo().current_action_id.id
        is_moving = bool(self.sudo().current_transition_id)
        for action in graph["actions"]:
            action |= {
                "is_available": action["id"] in available,
                "is_running": is_moving and action["id"] == running,
            }
        transition = self.sudo().current_transition_id  # sudo: as above
        is_in_transit = transition.state == "running"
        graph["state_id"] = (transition.state_from_id if is_in_transit else self.state_id).id
        graph["transit_state_id"] = is_in_transit and transition.state_transit_id.id
        return graph

    # ------------------------------------------------------------------ moving several jets

    def action_open_state_wizard(self):
        """Open the wizard that brings these jets to a state.

        :return: window action
        :raise AccessError: the caller may not read one of them
        """
        return self._action_move(self.env._("Bring to State"), "cx.tower.jet.state.wizard")

    def action_open_action_wizard(self):
        """Open the wizard that triggers an action on these jets. :return, raise: as :meth:`action_open_state_wizard`"""
        return self._action_move(self.env._("Trigger Action"), "cx.tower.jet.action.wizard")

    def action_open_correct_wizard(self):
        """Open the wizard that corrects the state of this jet.

        :return: window action
        :raise AccessError: the caller may not write the jet
        """
        self.ensure_one()
        self.check_access("write")
        action = self._action_move(self.env._("Correct State"), "cx.tower.jet.correct.wizard")
        return action | {"context": {"default_jet_id": self.id}}

    def _action_move(self, name, model):
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": model,
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_jet_ids": self.ids},
        }
