from odoo import models

from ...engine.choice import Candidate, choose

#: Dependencies of dependencies that are shown, at most.
DEPTH = 20


class CxTowerJetTemplate(models.Model):
    """What creating a jet would do, found out without doing anything: for the wizard, before it starts."""

    _inherit = "cx.tower.jet.template"

    def _plan_launch(self, server, state, texts=None):
        """Return what :meth:`create_jet` would do now, as the caller.

        :param server: server that the caller may read
        :param state: state to bring the jet to; empty: none
        :param texts: {variable reference: text} of the jet's own values
        :return: dict: ``problems`` (sentences; empty: it can be launched), ``values`` ([{"name", "range", "value"}] of values
            that will be allocated), ``dependencies`` (as of :meth:`_plan_dependencies`), ``steps`` ([{"name", "state", "plan"}])
        """
        self.ensure_one()
        problem = self._why_no_new_jet(server)
        if problem:
            return {"problems": [problem], "values": [], "dependencies": [], "steps": []}
        values = self._plan_values(server, texts or {})
        path = self._path_of_new_jet(state, self._level_on_new_jets())
        problems = [value["problem"] for value in values if value.get("problem")]
        if path is None:
            problems.append(self._no_way_text(state))
        dependencies = self._plan_dependencies(server, state)
        return {
            "problems": problems + _problems_of(dependencies),
            "values": values,
            "dependencies": dependencies,
            "steps": self._plan_steps(path or ()),
        }

    def _plan_values(self, server, texts):
        """Return the values that a new jet will be given. Extension point."""
        return []

    # ------------------------------------------------------------------ steps

    def _level_on_new_jets(self):
        """Return the caller's access level on a jet of this template that they create."""
        return "3" if self.env.su else self.env.user._cetmix_tower_access_level() or "1"

    def _path_of_new_jet(self, state, level="3"):
        """Return the actions that lead a new jet to a state, as the engine has them; () for no state, None without a way."""
        return self._lifecycle(level).path(None, state.id) if state else ()

    def _no_way_text(self, state):
        names = {"template": self.name, "state": state.sudo().name}  # sudo: chosen by the caller
        if self._path_of_new_jet(state) is not None:
            return self.env._(
                "“%(template)s” leads to “%(state)s” only by actions above your access level.", **names
            )
        return self.env._("No actions of “%(template)s” lead a new jet to “%(state)s”.", **names)

    def _plan_steps(self, path):
        """Return [{"name", "state", "plan"}] of actions as the engine has them: what the person is about to trigger."""
        # sudo: names of what the caller is about to trigger
        actions = self.env["cx.tower.jet.action"].sudo().browse(action.id for action in path)
        return [
            {
                "name": action.name,
                "state": action.state_to_id.name or "",
                "plan": action.plan_id.name or "",
            }
            for action in actions
        ]

    # ------------------------------------------------------------------ dependencies

    def _plan_dependencies(self, server, state, depth=0):
        """Return what would serve the dependencies of a new jet on its way to a state, as the caller.

        :param server: where the jet will be
        :param state: where it is brought to; empty: nothing is needed yet
        :return: list of dicts in order: ``template`` and ``state`` (names), ``kind`` (as of :class:`engine.choice.Choice`), ``jet``
            (name, ""), ``steps``, ``problem`` (sentence, "") and ``dependencies`` of a jet that will be created
        """
        path = self._path_of_new_jet(state)
        if not path or depth > DEPTH:
            return []
        entered = {action.to_state for action in path}
        # sudo: what the template's author decided; jets are looked for as the caller
        needs = (
            self.env["cx.tower.jet.template.dependency"]
            .sudo()
            .search([("template_id", "=", self.id)], order="id")
        )
        return [
            need.with_env(self.env)._plan_how_to_meet(server, depth)
            for need in needs
            if not need.needed_in_state_ids or entered.intersection(need.needed_in_state_ids.ids)
        ]


class CxTowerJetTemplateDependency(models.Model):
    """What would meet a dependency of a new jet."""

    _inherit = "cx.tower.jet.template.dependency"

    def _plan_how_to_meet(self, server, depth):
        """Return one element of :meth:`cx.tower.jet.template._plan_dependencies`."""
        need = self.sudo()  # sudo: names; what may be used is decided as the caller
        template, state = need.template_required_id.with_env(self.env), need.state_required_id
        jets = self._jets_that_could_serve(server)
        choice = choose(jets.values(), state.id, may_create=False)
        plan = {
            "template": template.sudo().name,  # sudo: as above
            "state": state.name,
            "kind": choice.kind,
            "jet": "",
            "steps": [],
            "dependencies": [],
            "problem": "",
        }
        jet = self.env["cx.tower.jet"].browse(choice.jet_id or ())
        if choice.kind in ("wait", "refused"):
            problem = self._why_not_created(template, server)
            if not problem:
                return plan | {
                    "kind": "create",
                    "steps": template._plan_steps(template._path_of_new_jet(state) or ()),
                    "dependencies": template._plan_dependencies(server, state, depth + 1),
                }
            if choice.kind == "refused":
                return plan | {"problem": problem}
        if choice.kind == "drive":
            path = template._lifecycle().path(jet.state_id.id or None, state.id)
            plan["steps"] = template._plan_steps(path or ())
        return plan | {"jet": jet.name}

    def _why_not_created(self, template, server):
        """Return why no jet can be created for this dependency, "" if one can."""
        names = {
            "template": template.sudo().name,
            "state": self.sudo().state_required_id.name,
        }  # sudo: as above
        if not template.has_access("read"):
            return self.env._(
                "A jet of “%(template)s” in state “%(state)s” is needed. You see none, and you may not launch one.",
                **names,
            )
        if template._path_of_new_jet(self.sudo().state_required_id) is None:
            return self.env._("No actions of “%(template)s” lead a new jet to “%(state)s”.", **names)
        problem = template._why_no_new_jet(server)
        if not problem:
            return ""
        return self.env._(
            "A jet of “%(template)s” in state “%(state)s” is needed, and none can be used or created. %(problem)s",
            problem=problem,
            **names,
        )

    def _jets_that_could_serve(self, server):
        """Return {jet id: :class:`engine.choice.Candidate`} of the jets that the caller may read."""
        need = self.sudo()  # sudo: as in _plan_how_to_meet
        domain = [("jet_template_id", "=", need.template_required_id.id)]
        if need.where != "any":
            domain.append(("server_id", "=", server.id))
        jets = self.env["cx.tower.jet"].search(domain).filtered(lambda jet: jet._accepts_new_links())
        leading = need.template_required_id._lifecycle().leading_to(need.state_required_id.id)
        needed = jets._needed_where_they_are()
        return {
            jet.id: Candidate(
                id=jet.id,
                state=jet.state_id.id or None,
                target=jet.target_state_id.id or None,
                is_idle=not jet._is_busy(),
                can_reach=(jet.state_id.id or None) in leading,
                is_needed_here=jet in needed,
            )
            for jet in jets
        }


class CxTowerServer(models.Model):
    """Launching a jet on a server."""

    _inherit = "cx.tower.server"

    def action_new_jet(self):
        """Open the wizard that launches a jet on this server.

        :return: window action
        :raise AccessError: the caller may not read the server
        """
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("cetmix_tower_jet.action_cx_tower_jet_create")
        return action | {"context": {"default_server_id": self.id}}


class CxTowerJet(models.Model):
    """Who needs jets where they are."""

    _inherit = "cx.tower.jet"

    def _needed_where_they_are(self):
        """Return those of these jets that another jet needs in their present state. Extension point."""
        return self.browse()


def _problems_of(dependencies):
    """Return the problems of planned dependencies, and of theirs."""
    return [
        problem
        for plan in dependencies
        for problem in (plan["problem"], *_problems_of(plan["dependencies"]))
        if problem
    ]
