"""What would be done for dependencies, without doing it: for the wizard that creates jets, and for previews of paths."""

from odoo import models

from ...engine.choice import choose
from .needs import Wish


class DependencyPlan:
    """Follows dependencies, the deepest first. What it has chosen once is there for all that follow.

    :param env: environment of the person, as superuser
    :param person: whose right to use and to create jets counts
    """

    def __init__(self, env, person):
        self.env, self.person = env, person
        self.steps = []
        self._chosen = {}

    def follow(self, template, server, path, jet=None, name=""):
        """Add the steps for the dependencies of a jet that takes a path.

        :param path: actions, as the engine has them
        :param jet: the jet; None: a new one of the template
        :param name: what it is called
        """
        for action in path:
            for need in self._needs(template, action):
                self._meet(need, server, jet or self.env["cx.tower.jet"], name)

    @staticmethod
    def _needs(template, action):
        for need in template.template_requires_ids:
            states = need.needed_in_state_ids.ids
            if action.to_state in states or (not states and action.creates):
                yield need

    def _meet(self, need, server, asker, name):
        template, state = need.template_required_id, need.state_required_id
        key = (template.id, need.where == "any" or server.id)
        if key in self._chosen:
            if self._chosen[key] != state:
                self._add("wait", need, server, asker_name=name)
            return
        wish = Wish(
            key=0,
            template=template,
            server=server,
            state=state,
            person=self.person,
            asker=asker,
            need=need,
            transition=self.env["cx.tower.jet.transition"],
            only=self.env["cx.tower.jet"],
        )
        self._chosen[key] = state
        self._choose(wish, name)

    def _choose(self, wish, name):
        Jet, template = self.env["cx.tower.jet"], wish.template
        candidates = Jet._candidates([wish])[0]
        choice = choose(candidates, wish.state.id, lambda: not Jet._why_no_new_jet_for(wish))
        jet = Jet.browse(choice.jet_id or [])
        kind = "ready" if choice.kind == "linked" else choice.kind
        problem = Jet._refused_text(wish, candidates) if kind == "refused" else ""
        path = ()
        if kind in ("create", "drive"):
            path = template._lifecycle().path(jet.state_id.id or None, wish.state.id) or ()
            server = jet.server_id or wish.server
            self.follow(template, server, path, jet=jet, name=jet.name or template.name)
        self._add(kind, wish.need, wish.server, jet, path, problem, name)

    def _add(self, kind, need, server, jet=None, path=(), problem="", asker_name=""):
        template, state = need.template_required_id, need.state_required_id
        jet = jet or self.env["cx.tower.jet"]
        is_visible = bool(jet) and jet.with_user(self.person).has_access("read")
        step = {
            "kind": kind,
            "jet_id": jet.id if is_visible else False,
            "jet": jet.reference if is_visible else "",
            "name": jet.name if is_visible else template.name,
            "template_id": template.id,
            "template": template.reference,
            "template_name": template.name,
            "server_id": (jet.server_id or server).id,
            "server_name": (jet.server_id or server).name,
            "state": state.reference,
            "state_name": state.name,
            "actions": [action.name for action in path],
            "needed_by": asker_name,
            "problem": problem,
        }
        self.steps.append(step | {"text": self._text(step)})

    def _text(self, step):
        values = {
            "jet": step["name"],
            "template": step["template_name"],
            "server": step["server_name"],
            "state": step["state_name"],
            "actions": ", ".join(step["actions"]),
            "problem": step["problem"],
        }
        texts = {
            "ready": lambda: self.env._("“%(jet)s” is used: it is in state “%(state)s”.", **values),
            "on_its_way": lambda: self.env._(
                "“%(jet)s” is waited for: it is on its way to “%(state)s”.", **values
            ),
            "drive": lambda: self.env._("“%(jet)s” is brought to “%(state)s”: %(actions)s.", **values),
            "create": lambda: self.env._(
                "A new jet of “%(template)s” is created on “%(server)s”, and brought to “%(state)s”: %(actions)s.",
                **values,
            ),
            "wait": lambda: self.env._(
                "A jet of “%(template)s” is waited for: none can be in “%(state)s” now.", **values
            ),
            "refused": lambda: self.env._("No jet of “%(template)s” can be used: %(problem)s", **values),
        }
        return texts[step["kind"]]()


class CxTowerJetTemplate(models.Model):
    """What creating a jet would do for its dependencies."""

    _inherit = "cx.tower.jet.template"

    def _plan_dependencies(self, server, user=None, state=None):
        """Return what would be done for the dependencies of a new jet of this template. Nothing is done.

        :param server: server of the new jet
        :param user: whose rights count; None: the caller's
        :param state: where it is brought; None: where the create action leads
        :return: list of dicts in the order in which it would be done: ``kind`` ("ready", "on_its_way", "drive", "create",
            "wait", "refused"), ``text`` (a sentence), ``name`` (of the jet, or of the template), ``jet_id``, ``jet`` (reference; "" and
            False for a new one, or one that the user may not read), ``template_id``, ``template`` (reference),
            ``template_name``, ``server_id``, ``server_name``, ``state`` (reference), ``state_name``, ``actions`` (names),
            ``needed_by`` (name of what needs it), ``problem`` (why it is refused)
        """
        self.ensure_one()
        person = user or self.env.user
        # sudo: follows dependencies; of jets, only those that the user may read are named
        template = self.sudo()
        goal = state.id if state else template.action_create_id.state_to_id.id
        path = template._lifecycle().path(None, goal or None) or ()
        plan = DependencyPlan(template.env, person)
        plan.follow(template, server.sudo(), path, name=template.name)  # sudo: as above
        return plan.steps


class CxTowerJet(models.Model):
    """What taking a path would do for the dependencies of a jet."""

    _inherit = "cx.tower.jet"

    def _plan_path(self, path):
        """Return, for each action of a path, what would be done for its dependencies before it. Nothing is done.

        :param path: actions, as the engine has them
        :return: list of lists of dicts, as ``_plan_dependencies`` returns them
        """
        self.ensure_one()
        jet = self.sudo()  # sudo: as in _plan_dependencies
        plan, planned = DependencyPlan(jet.env, self.env.user), []
        for action in path:
            before = len(plan.steps)
            plan.follow(jet.jet_template_id, jet.server_id, [action], jet=jet, name=jet.name)
            planned.append(plan.steps[before:])
        return planned

    def get_path(self, state_reference):
        """Return the actions that would bring this jet to a state, and what would be done for their dependencies.

        Each dict also has ``dependencies``: list of dicts ``kind``, ``text``, ``jet_id``, ``name``, ..., in order.
        """
        steps = super().get_path(state_reference)
        if not steps:
            return steps
        path = self._path_to(self._state_argument(state_reference), self._level_of_caller())
        for step, dependencies in zip(steps, self._plan_path(path), strict=True):
            step["dependencies"] = dependencies
        return steps
