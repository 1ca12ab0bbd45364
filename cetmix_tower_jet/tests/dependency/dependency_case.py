from ..jet_case import JetCase


class DependencyCase(JetCase):
    """Shops need a running database before they start, and while they run."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.database = cls._new_template("Database")
        cls.need = cls._new_need(cls.template, cls.database)

    @classmethod
    def _new_need(cls, template, required, state="running", needed_in=("running",), **values):
        """Have jets of a template need a jet of another one in a state.

        :param needed_in: references of states; empty: before the create action only
        """
        states = [cls._state(reference).id for reference in needed_in]
        return cls.env["cx.tower.jet.template.dependency"].create(
            {
                "template_id": template.id,
                "template_required_id": required.id,
                "state_required_id": cls._state(state).id,
                "needed_in_state_ids": [(6, 0, states)],
                **values,
            }
        )

    @classmethod
    def _new_database(cls, name="DB", state="running", **values):
        return cls._new_jet(name, state, cls.database, **values)

    def _start(self, jet, person=None):
        """Trigger Start on a jet. :return: its transition"""
        action = self._action("Start", jet.jet_template_id)
        result = self._as(action, person).trigger(jet.id)
        return self.env["cx.tower.jet.transition"].browse(result["transition"])

    def _serves(self, jet, need=None):
        """Return which jet serves the dependency of a jet."""
        links = jet.jet_requires_ids
        if need:
            links = links.filtered(lambda link: link.jet_template_dependency_id == need)
        return links.jet_depends_on_id

    def _look_after_jets(self):
        self.env["cx.tower.jet.transition"]._cron_look_after_jets()

    def _is_idle(self, *jets):
        """Check that nothing is left half-claimed."""
        for jet in jets:
            self.assertFalse(jet.current_transition_id, jet.name)
            self.assertFalse(jet.target_state_id, jet.name)
        requests = self.env["cx.tower.jet.request"].search([("state", "in", ("new", "processing"))])
        self.assertFalse(requests)
