from odoo import api, fields, models

from ...engine import template_check
from ...engine.lifecycle import Action, Lifecycle
from .cx_tower_jet_template import PLAN_FIELDS

NAMED = 5  # servers that a message names at most
#: Page and field of the form on which a finding about such a record is put right.
PLACES = {"action": ("actions", "action_ids"), "dependency": ("dependencies", "template_requires_ids")}
MODELS = {
    "template": "cx.tower.jet.template",
    "action": "cx.tower.jet.action",
    "state": "cx.tower.jet.state",
    "dependency": "cx.tower.jet.template.dependency",
    "plan": "cx.tower.plan",
}


class CxTowerJetTemplate(models.Model):
    """What is wrong or unwise in a template, in words. ``engine/template_check.py`` finds it. Nothing here prevents a save."""

    _inherit = "cx.tower.jet.template"

    check_findings = fields.Json(
        string="Check",
        compute="_compute_check_findings",
        groups="cetmix_tower_server.group_manager",
        export_string_translation=False,
    )

    @api.depends(
        "name",
        "access_level",
        "server_ids",
        "action_ids.name",
        "action_ids.priority",
        "action_ids.access_level",
        "action_ids.plan_id",
        "action_ids.state_from_id",
        "action_ids.state_transit_id",
        "action_ids.state_to_id",
        "action_ids.state_error_id",
        "template_requires_ids.template_required_id",
        "template_requires_ids.state_required_id",
        *PLAN_FIELDS,
    )
    def _compute_check_findings(self):
        for template in self:
            template.check_findings = _Checked(template).findings()

    def check_template(self):
        """Return what is wrong or unwise in this template.

        :return: list of dicts, the order is that of the rules: ``rule``, ``severity`` ("error": jets cannot do what the template
            promises; "warning": they can, but probably not as it is meant), ``message``, ``record`` (``model``, ``id``, ``name``,
            ``reference`` of what to look at)
        :raise AccessError: the caller may not read the template
        """
        self.ensure_one()
        self.check_access("read")
        kept = ("rule", "severity", "message", "record")
        return [{name: finding[name] for name in kept} for finding in _Checked(self).findings()]


class _Checked:
    """A template that is being checked, saved or still edited.

    Lines that are not saved yet have no ids. Each gets a negative number in their place, and the client's own id leads back to it.
    """

    def __init__(self, template):
        # sudo: for who reads the template; of what it uses, only names are shown
        self.template = template.sudo()
        self.env = template.env
        self.actions = self._numbered(self.template.action_ids)
        self.dependencies = self._numbered(self.template.template_requires_ids)

    def _numbered(self, records):
        return {record._origin.id or -number: record for number, record in enumerate(records, 1)}

    def findings(self):
        """Return the findings as plain values, each with the place on the form where it is put right."""
        return [
            {
                "rule": finding.rule,
                "severity": finding.severity,
                "message": self._message(finding),
                "record": self._record(finding.subject),
                "place": self._place(finding),
            }
            for finding in template_check.check(self._facts())
        ]

    # ------------------------------------------------------------------ facts

    def _facts(self):
        template = self.template
        states = self._states()
        plans = self._plans()
        return template_check.TemplateFacts(
            id=template._origin.id or 0,
            level=template.access_level or "2",
            actions=tuple(self._action(number, action) for number, action in self.actions.items()),
            dependencies=tuple(
                template_check.Dependency(
                    id=number,
                    template=one.template_required_id.id,
                    template_name=one.template_required_id.name or "",
                    state=one.state_required_id.id,
                    lifecycle=Lifecycle(
                        [action._as_engine() for action in one.template_required_id.action_ids]
                    ),
                )
                for number, one in self.dependencies.items()
                if one.template_required_id and one.state_required_id
            ),
            state_names={state.id: state.name for state in states},
            plan_names={plan.id: plan.name for plan in plans},
            plan_servers={plan.id: plan.server_ids.ids for plan in plans if plan.server_ids},
            installed_on=template.server_ids._origin.ids,
        )

    def _action(self, number, action):
        """Return an action as the engine takes it. In :meth:`_as_engine` unsaved ones would all have the same id."""
        return Action(
            id=number,
            name=action.name or "",
            from_state=action.state_from_id._origin.id or None,
            transit_state=action.state_transit_id._origin.id or None,
            to_state=action.state_to_id._origin.id or None,
            error_state=action.state_error_id._origin.id or None,
            priority=action.priority,
            plan=action.plan_id._origin.id or None,
            level=action.access_level or "1",
        )

    def _states(self):
        actions = self.template.action_ids
        links = ("state_from_id", "state_transit_id", "state_to_id", "state_error_id")
        required = self.template.template_requires_ids.state_required_id
        return required.union(*(actions[name] for name in links))._origin

    def _plans(self):
        plans = self.template.action_ids.plan_id.union(*(self.template[name] for name in PLAN_FIELDS))
        return plans._origin.with_context(active_test=False)

    # ------------------------------------------------------------------ where

    def _record(self, subject):
        """Return plain values that identify what a finding is about; id False: it is not saved yet."""
        kind, number = subject
        found = {"action": self.actions, "dependency": self.dependencies}.get(kind, {}).get(number)
        if kind == "template":
            found = self.template
        elif found is None:
            found = self.env[MODELS[kind]].sudo().browse(number)  # sudo: as in __init__
        return {
            "model": MODELS[kind],
            "id": found._origin.id,
            "name": found.name or "",
            "reference": found.reference or "",
        }

    def _place(self, finding):
        """Return where on the form a finding is put right: ``page``, ``field``, and the ``row`` if it is a list."""
        kind, number = finding.subject
        if kind == "plan":
            field = next((name for name in PLAN_FIELDS if self.template[name]._origin.id == number), None)
            if field:
                return {"page": "general", "field": field, "row": False}
        number = self._row_of(kind, number)
        page, field = PLACES["dependency" if kind == "dependency" else "action"]
        record = (self.dependencies if kind == "dependency" else self.actions).get(number)
        # a new line is known to the client by its own id
        row = record is not None and (record._origin.id or str(record.id.ref or ""))
        return {"page": page, "field": field, "row": row or False}

    def _row_of(self, kind, number):
        """Return the number of the action to look at for a finding about a state or a flight plan."""
        if kind not in ("state", "plan"):
            return number
        for key, action in self.actions.items():
            if kind == "plan":
                used = action.plan_id
            else:
                used = action.state_from_id | action.state_to_id | action.state_error_id
            if number in used._origin.ids:
                return key
        return 0

    # ------------------------------------------------------------------ words

    def _message(self, finding):
        return getattr(self, f"_say_{finding.rule}")(finding.details)

    def _say_no_create_action(self, _facts):
        return self.env._(
            "No action creates jets: every action has a from state. Add one without a from state, such as “Prepare”."
        )

    def _say_several_create_actions(self, facts):
        return self.env._(
            "Several actions have no from state (%(names)s). New jets are created with “%(first)s”.",
            names=", ".join(facts["actions"]),
            first=facts["actions"][0],
        )

    def _say_no_destroy_action(self, _facts):
        return self.env._(
            "No action destroys jets: every action has a to state. Without one, what a jet leaves on its server stays there."
        )

    def _say_several_destroy_actions(self, facts):
        return self.env._(
            "Several actions have no to state (%s). Which of them destroys a jet depends on its state.",
            ", ".join(facts["actions"]),
        )

    def _say_transit_missing(self, facts):
        return self.env._(
            "“%(action)s” has no transit state. Choose the state that a jet is in while the action is running.",
            **facts,
        )

    def _say_transit_is_end_state(self, facts):
        return self.env._(
            "“%(action)s” has “%(state)s” both as its transit state and as the state before or after it, so nobody sees when it"
            " is running.",
            **facts,
        )

    def _say_dead_end_state(self, facts):
        return self.env._("No action leads out of “%(state)s”: a jet that gets there stays there.", **facts)

    def _say_unreachable_state(self, facts):
        return self.env._("No action leads to “%(state)s”, so its actions can never be triggered.", **facts)

    def _say_build_and_start_share_plan(self, facts):
        return self.env._(
            "“%(action)s” runs the same flight plan as “%(earlier_action)s” (“%(plan)s”). A plan that creates things usually"
            " fails when it runs again. Use a plan of its own.",
            **facts,
        )

    def _say_action_above_template(self, facts):
        labels = dict(self.template._fields["access_level"]._description_selection(self.env))
        return self.env._(
            "“%(action)s” needs the access level %(action_level)s, but the template is for the level %(template_level)s. People of"
            " that level cannot trigger it.",
            action=facts["action"],
            action_level=labels[facts["action_level"]],
            template_level=labels[facts["template_level"]],
        )

    def _say_dependency_unreachable(self, facts):
        return self.env._(
            "Jets of “%(template)s” can never get to “%(state)s”, so this dependency is never met. Choose another state, or add"
            " the actions there.",
            **facts,
        )

    def _say_destroy_unreachable(self, facts):
        return self.env._(
            "A jet in “%(state)s” cannot be destroyed: no actions lead from there to a destroy action.",
            **facts,
        )

    def _say_plan_restricted(self, facts):
        # sudo: names of servers that the caller may read only
        servers = self.env["cx.tower.server"].browse(facts["server_ids"])._filtered_access("read")
        names = ", ".join(servers[:NAMED].mapped("name"))
        where = names or self.env._("%s servers", len(facts["server_ids"]))
        actions = ", ".join(f"“{name}”" for name in facts["actions"])
        names = {"plan": facts["plan"], "actions": actions, "where": where}
        if actions:
            return self.env._(
                "The flight plan “%(plan)s” of %(actions)s is restricted to other servers. It cannot run on %(where)s, where the"
                " template is installed.",
                **names,
            )
        return self.env._(
            "The flight plan “%(plan)s” is restricted to other servers. It cannot run on %(where)s, where the template is"
            " installed.",
            **names,
        )
