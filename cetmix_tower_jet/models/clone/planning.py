from odoo import models
from odoo.exceptions import AccessError, UserError


class CxTowerJet(models.Model):
    """What cloning and transferring a jet would do, found out without doing anything: for the wizards, before they start."""

    _inherit = "cx.tower.jet"

    def _plan_clone(self, server, state, texts=None):
        """Return what :meth:`clone` would do now, as the caller. Nothing is done.

        :param server: server that the caller may read
        :param state: state to bring the clone to; empty: none
        :param texts: {variable reference: text} of values that are passed
        :return: dict as of ``cx.tower.jet.template._plan_launch``; the first step is the clone plan
        """
        self.ensure_one()
        problem = self._why_no_clone(server)
        if problem:
            return {"problems": [problem], "values": [], "dependencies": [], "steps": []}
        jet = self.sudo()  # sudo: names of what the caller is about to start
        plan = jet.jet_template_id.with_env(self.env)._plan_launch(server, state, texts)
        if plan["problems"] and not plan["steps"] and not plan["dependencies"]:
            return plan
        clone = {"name": self.env._("Clone"), "state": "", "plan": self._clone_plan(server).name}
        return {**plan, "steps": [clone, *plan["steps"]]}

    def _plan_transfer(self, server, destroy_original=False):
        """Return what :meth:`transfer` would do now, as the caller. Nothing is done.

        :param server: server that the caller may read
        :return: dict as of :meth:`_plan_clone`, and ``warnings`` (sentences), ``last`` (sentences about what follows the steps)
        """
        self.ensure_one()
        try:
            self._check_may_transfer(server, destroy_original)
        except (AccessError, UserError) as error:
            nothing = {"values": [], "dependencies": [], "steps": [], "warnings": [], "last": []}
            return {"problems": [str(error)], **nothing}
        plan = self._plan_clone(server, self._settled_state())
        return {
            **plan,
            "warnings": self._transfer_warnings(server),
            "last": self._steps_after_cloning(destroy_original),
        }

    def _transfer_warnings(self, server):
        """Return sentences about what people should know before a transfer."""
        jet, warnings = self.sudo(), []  # sudo: how the jet stands, and who depends on it
        if jet._is_busy():
            warnings.append(
                self.env._(
                    "“%(jet)s” is busy: %(busy)s. The switch waits for it to end.",
                    jet=jet.name,
                    busy=jet._busy_text(),
                )
            )
        bound = jet.jet_required_by_ids.filtered(lambda link: link.jet_template_dependency_id.where == "same")
        if bound:
            warnings.append(
                self.env._(
                    "%(dependants)s need it on their own server. They will use it on “%(server)s”. Check that they can.",
                    dependants=bound.jet_id.with_env(self.env)._names_for_caller(),
                    server=server.name,
                )
            )
        return warnings

    def _steps_after_cloning(self, destroy_original):
        jet = self.sudo()  # sudo: who depends on the jet; only names that the caller may read are shown
        dependants = jet.jet_required_by_ids.jet_id.with_env(self.env)
        texts = [
            self.env._(
                "The switch: the new jet takes name, reference, people, values, tags and scheduled tasks. The original becomes"
                " “%s (transferred)”, and keeps its history and waypoints",
                jet.name,
            )
        ]
        if dependants:
            texts.append(
                self.env._("What depends on it uses the new jet: %s", dependants._names_for_caller())
            )
        state = self._settled_state()
        if destroy_original and state:
            path = jet.jet_template_id._lifecycle(self._level_of_caller()).path(state.id, None) or ()
            names = ", ".join(action.name for action in path)
            texts.append(self.env._("The original is destroyed: %s", names))
        return texts
