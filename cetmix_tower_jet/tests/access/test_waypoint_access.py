"""Who may do what with waypoints and with their types."""

from odoo.addons.cetmix_tower_server.tests.access_case import ANY, LEVELS, ROLES, AccessMatrixCase
from odoo.tests import tagged

from .jet_access_case import JetAccessCase

# What the levels of types and of waypoints can be.
LEVELS_OF_WAYPOINTS = ("2", "3")


def reads_jet(s):
    return s.role in ANY and s.server in ANY


def changes(s):
    """Return whether a Manager changes waypoints: as one of the Managers of the jet template."""
    return s.level == "2" and s.template == "managers"


@tagged("post_install", "-at_install")
class TestWaypointAccess(JetAccessCase):
    """Roles on the jet, on its server and on its template, the level, and who created the waypoint."""

    LINES = [
        ("m", "R", lambda s: s.level == "2" and reads_jet(s)),
        ("m", "RU", changes),
        ("m", "C", lambda s: changes(s) and reads_jet(s)),
        ("m", "D", lambda s: changes(s) and s.own),
        ("r", "CRUD", lambda s: True),
    ]
    METHODS = {
        "prepare": ("draft", lambda s: True),
        "fly_to": ("ready", lambda s: True),
        "reset": ("error", lambda s: True),
        "unlink": ("ready", lambda s: s.own),
        "action_prepare": ("draft", lambda s: True),
        "action_fly_to": ("ready", lambda s: True),
        "action_reset": ("error", lambda s: True),
        "action_delete": ("ready", lambda s: s.own),
    }

    @classmethod
    def situations(cls):
        """Return the situations that differ: who created it matters to Managers of the template, the highest level to few."""
        found = cls._situations(
            level=LEVELS_OF_WAYPOINTS, role=ROLES, server=ROLES, template=ROLES, own=(False, True)
        )
        return [
            s
            for s in found
            if (s.own <= (s.template == "managers"))
            and (s.template != "users" or s.role == s.server)
            and (s.level == "2" or s.role == s.server == "managers")
        ]

    def _jet_in(self, name, s):
        """Return a jet on which, on whose server and on whose template the person has the roles."""
        key = ("jet", name, s.role, s.server, s.template)
        if key not in self.kept:
            roles = self._roles(**self._role(self.people[name], s.template))
            template = self.template.sudo().copy({"name": "Shop", "access_level": "3", **roles})
            template.server_ids = self.template.server_ids
            kinds = self.env["cx.tower.jet.waypoint.template"].create(
                [
                    {"name": level, "jet_template_id": template.id, "access_level": level}
                    for level in LEVELS_OF_WAYPOINTS
                ]
            )
            values = {**self._jet_vals(name, s.role, s.server), "jet_template_id": template.id}
            self.kept[key] = (
                self.env["cx.tower.jet"].create(values),
                dict(zip(LEVELS_OF_WAYPOINTS, kinds, strict=True)),
            )
        return self.kept[key]

    def _values(self, name, s):
        jet, kinds = self._jet_in(name, s)
        return {
            "name": "Before",
            "jet_id": jet.id,
            "waypoint_template_id": kinds["2"].id,
            "access_level": s.level,
        }

    def _waypoint(self, name, s):
        return self._make("cx.tower.jet.waypoint", self._values(name, s), s.own, self.people[name])

    def test_records(self):
        for name in self.people:
            self._check(
                self.LINES,
                self.situations(),
                lambda s, name=name: self._waypoint(name, s),
                name,
                {"name": "changed"},
                lambda s, name=name: self._values(name, s),
            )

    def test_methods(self):
        """Moving a waypoint takes the right to change it, and to read its jet; deleting takes the right to delete it."""
        for name, person in self.people.items():
            for s in self.situations():
                waypoint = self._waypoint(name, s)
                for method, (state, more) in self.METHODS.items():
                    waypoint._write_by_movement({"state": state})
                    allowed = name == "root" or (
                        name == "manager" and changes(s) and reads_jet(s) and more(s)
                    )
                    with self.subTest(person=name, method=method, **vars(s)):
                        self.env.invalidate_all()
                        attempt = getattr(waypoint.with_user(person), method)
                        # not that of the class: what is refused for another reason is an error here
                        self.assertEqual(AccessMatrixCase._tries(self, attempt), allowed)


@tagged("post_install", "-at_install")
class TestWaypointTemplateAccess(JetAccessCase):
    def test_records(self):
        """They are read with the jet template, up to their own level, and changed by its Managers."""
        lines = [
            (
                "m",
                "R",
                lambda s: s.level == "2" and (s.jet_template <= "2" or s.role in ANY or s.jet == "users"),
            ),
            ("m", "CRUD", lambda s: s.level == "2" and s.role == "managers"),
            ("r", "CRUD", lambda s: True),
        ]

        def values(name, s):
            template = self._template_of(name, s.jet_template, s.role, s.jet)
            return {"name": "Backup", "jet_template_id": template.id, "access_level": s.level}

        self._check_all(
            lines,
            {"level": LEVELS_OF_WAYPOINTS, "jet_template": LEVELS, "role": ROLES, "jet": ROLES},
            lambda name, s: self._make(
                "cx.tower.jet.waypoint.template", values(name, s), False, self.people[name]
            ),
            change={"note": "changed"},
            create=values,
        )
