"""Set-up that the tests of clones and transfers share. No ``test_*`` method belongs here."""

from ..jet_case import JetCase


class CloneCase(JetCase):
    """A running shop whose template has clone plans for both cases and is installed on two servers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls._new_server("Other host", users=cls.user | cls.manager, managers=cls.manager)
        cls.same_plan = cls._new_plan("Clone here", [cls.step], access_level="3", allow_parallel_run=True)
        cls.other_plan = cls._new_plan("Clone there", [cls.step], access_level="3", allow_parallel_run=True)
        cls.template.write(
            {
                "plan_clone_same_server_id": cls.same_plan.id,
                "plan_clone_different_server_id": cls.other_plan.id,
                "server_ids": [(4, cls.other.id)],
                "user_ids": [(4, cls.user.id)],
                "manager_ids": [(4, cls.manager.id)],
                "access_level": "1",
            }
        )
        cls.env["cx.tower.jet.state"].create(
            {"name": "Suspended", "reference": "suspended", "access_level": "1"}
        )
        cls.shop = cls._new_jet("Shop", "running", users=cls.user, managers=cls.manager)
        cls.colour, cls.secret_colour = cls.env["cx.tower.variable"].create(
            [
                {"name": "Colour", "reference": "clone_colour", "access_level": "1"},
                {"name": "Hidden", "reference": "clone_hidden", "access_level": "3"},
            ]
        )
        cls.port = cls.env["cx.tower.variable"].create(
            {
                "name": "Port",
                "reference": "clone_port",
                "access_level": "1",
                "allocation": "server",
                "allocation_range": "8000-8010",
            }
        )

    @classmethod
    def _own(cls, jet):
        """Return {reference: text} of the values that a jet has of its own."""
        return {value.variable_reference: value.value_char for value in jet.sudo().variable_value_ids}

    def _give_values(self, jet, **texts):
        for reference, text in texts.items():
            variable = self.env["cx.tower.variable"].search([("reference", "=", reference)])
            self.env["cx.tower.variable.value"].create(
                {"jet_id": jet.id, "variable_id": variable.id, "value_char": text}
            )

    def _clone(self, person=None, **arguments):
        """Clone the shop. :return: the clone, as superuser"""
        return self._as(self.shop, person).clone(**arguments).sudo()

    def _transfer(self, person=None, **arguments):
        """Transfer the shop to the other host. :return: the transfer, as superuser"""
        result = self._as(self.shop, person).transfer(self.other.id, **arguments)
        return self.env["cx.tower.jet.transfer"].browse(result["transfer"])

    def _history(self, jet):
        return [(one.action_name, one.state) for one in jet.transition_ids.sorted("id")]
