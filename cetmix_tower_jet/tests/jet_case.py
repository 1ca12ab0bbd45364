"""Set-up that the tests of jets share. No ``test_*`` method belongs here: inherited ones do not run."""

from odoo.addons.cetmix_tower_server.engine.run_end import RunEnd
from odoo.addons.cetmix_tower_server.tests.common import TowerCommon

#: The usual lifecycle: (name, from, transit, to, after an error).
STANDARD = (
    ("Prepare", None, "preparing", "draft", None),
    ("Build", "draft", "building", "stopped", None),
    ("Start", "stopped", "starting", "running", None),
    ("Stop", "running", "stopping", "stopped", None),
    ("Restart", "running", "restarting", "running", "stopped"),
    ("Remove", "stopped", "removing", "removed", None),
    ("Destroy", "removed", "destroying", None, None),
)


class JetCase(TowerCommon):
    """A server, a template with the usual lifecycle without flight plans, and factories.

    Runs are queued and not executed: :meth:`_end_run` ends one as a lane would.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls._new_server("Host", users=cls.user | cls.manager, managers=cls.manager)
        cls.template = cls._new_template("Shop")
        cls.step = cls._new_command("Step", code="true", access_level="3", allow_parallel_run=True)

    @classmethod
    def _state(cls, reference):
        """Return a state by its reference; empty for None."""
        State = cls.env["cx.tower.jet.state"]
        return State.search([("reference", "=", reference)]) if reference else State

    @classmethod
    def _new_template(
        cls, name="Template", actions=STANDARD, users=None, managers=None, person=None, **values
    ):
        """Create an installed template with exactly these people in its roles.

        :param actions: rows like those of ``STANDARD``
        """
        lines = [
            {
                "name": action_name,
                "priority": number,
                "access_level": "1",
                "state_from_id": cls._state(before).id,
                "state_transit_id": cls._state(through).id,
                "state_to_id": cls._state(after).id,
                "state_error_id": cls._state(error).id,
            }
            for number, (action_name, before, through, after, error) in enumerate(actions, 1)
        ]
        vals = {
            "name": name,
            "action_ids": [(0, 0, line) for line in lines],
            "server_ids": [(6, 0, cls.server.ids)],
            **cls._roles(users, managers),
            **values,
        }
        return cls._as(cls.env["cx.tower.jet.template"], person).create(vals)

    @classmethod
    def _action(cls, name, template=None):
        return (template or cls.template).action_ids.filtered(lambda action: action.name == name)

    @classmethod
    def _give_plan(cls, *names, template=None, **values):
        """Give actions a flight plan of one step. :return: the plan"""
        plan = cls._new_plan(
            " and ".join(names), [cls.step], access_level="3", allow_parallel_run=True, **values
        )
        for name in names:
            cls._action(name, template).plan_id = plan
        return plan

    @classmethod
    def _new_jet(
        cls, name="Jet", state=None, template=None, users=None, managers=None, person=None, **values
    ):
        """Create a jet in a state, without running anything, with exactly these people in its roles."""
        vals = {
            "name": name,
            "jet_template_id": (template or cls.template).id,
            "server_id": cls.server.id,
            **cls._roles(users, managers),
            **values,
        }
        jet = cls._as(cls.env["cx.tower.jet"], person).create(vals)
        jet.sudo()._set_state(cls._state(state))
        return jet

    def _end_run(self, run, exit_code=0, message=""):
        """End the present step of a flight plan run, as a lane would."""
        step = run.sudo().command_log_ids.filtered(lambda log: log.state == "queued")
        self.assertEqual(len(step), 1, "the run has one queued step")
        step._finish(RunEnd(exit_code, message))

    def _end_action(self, jet, exit_code=0, message=""):
        """End the run of the action that a jet is busy with."""
        self._end_run(jet.sudo().current_transition_id.plan_log_id, exit_code, message)
