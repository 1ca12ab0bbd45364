"""Set-up that the tests of waypoints share. No ``test_*`` method belongs here."""

from ..jet_case import JetCase


class WaypointCase(JetCase):
    """A jet in state running, and a type of waypoints with the four flight plans, or without them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.plain = cls._new_type("Plain")
        cls.planned = cls._new_type(
            "Backup",
            **{
                f"plan_{step}_id": cls._new_plan(f"{step} it", [cls.step], access_level="3").id
                for step in ("create", "arrive", "leave", "delete")
            },
        )
        cls.jet = cls._new_jet("Shop", state="running", managers=cls.manager)
        cls.variable = cls.env["cx.tower.variable"].create(
            {"name": "Edition", "reference": "edition", "access_level": "1"}
        )

    @classmethod
    def _new_type(cls, name, template=None, **values):
        """Create a waypoint template."""
        vals = {"name": name, "jet_template_id": (template or cls.template).id, **values}
        return cls.env["cx.tower.jet.waypoint.template"].create(vals)

    @classmethod
    def _new_waypoint(cls, name="Before", kind=None, jet=None, person=None, **values):
        """Create a draft."""
        vals = {
            "name": name,
            "jet_id": (jet or cls.jet).id,
            "waypoint_template_id": (kind or cls.plain).id,
            **values,
        }
        return cls._as(cls.env["cx.tower.jet.waypoint"], person).create(vals)

    @classmethod
    def _new_ready(cls, name="Before", kind=None, jet=None, **values):
        """Create a waypoint that is ready, without running its create plan."""
        waypoint = cls._new_waypoint(name, cls.plain, jet, **values)
        waypoint.prepare()
        if kind:
            cls.env.cr.execute(
                "UPDATE cx_tower_jet_waypoint SET waypoint_template_id = %s WHERE id = %s",
                (kind.id, waypoint.id),
            )
            waypoint.invalidate_recordset()
        return waypoint

    def _new_current(self, name="Here", kind=None, **values):
        """Create a waypoint at which the jet is, without running its plans."""
        waypoint = self._new_ready(name, **values)
        waypoint.fly_to()
        if kind:
            self.env.cr.execute(
                "UPDATE cx_tower_jet_waypoint SET waypoint_template_id = %s WHERE id = %s",
                (kind.id, waypoint.id),
            )
            waypoint.invalidate_recordset()
        return waypoint

    def _set_edition(self, text, jet=None):
        (jet or self.jet).set_variable_value("edition", text)

    def _edition(self, jet=None):
        return (jet or self.jet).get_variable_value("edition", no_fallback=True)
