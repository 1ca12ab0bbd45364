from odoo import models

from .levels import level_in_tower


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
        dependencies = self._plan_dependencies(server, state=state) if state else []
        problems += [step["text"] for step in dependencies if step["problem"] and step["kind"] == "refused"]
        return {
            "problems": problems,
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
        return level_in_tower(self.env)

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
