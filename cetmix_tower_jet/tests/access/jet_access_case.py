"""Records of the jet addon in every situation towards a person. No ``test_*`` method belongs here."""

from odoo.addons.cetmix_tower_server.tests.access_case import AccessMatrixCase
from odoo.addons.cetmix_tower_server.tests.common import slow
from odoo.exceptions import UserError
from odoo.tools import mute_logger
from psycopg2.errors import ForeignKeyViolation

from ..jet_case import JetCase


def telling(s):
    """Return whether a situation tells something that others do not: lines add up, so one role at a time is enough."""
    roles = vars(s)
    one_role = not (roles.get("role") and roles.get("jet"))
    own_matters = roles.get("own", True) or roles["role"] == "managers"
    partly = bool(roles.get("role")) != bool(roles.get("server"))
    other_partly = bool(roles.get("other_role")) != bool(roles.get("other_server"))
    return one_role and own_matters and not (partly and other_partly)


@slow
class JetAccessCase(AccessMatrixCase, JetCase):
    """Factories by situation: roles on server, template and jet, levels, and who created the record.

    Situations name the role of the person on each record: ``role`` on the record itself or on what it belongs to, ``server``
    on its server, ``jet`` on a jet of the template.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nobodys_server = cls._new_server("Of nobody")
        everywhere = cls.nobodys_server.browse(server.id for server in cls.servers.values())
        cls.template = cls._new_template(
            "For all", actions=(), server_ids=[(6, 0, (everywhere | cls.nobodys_server).ids)]
        )
        cls.draft, cls.running = cls._state("draft"), cls._state("running")

    def setUp(self):
        super().setUp()
        self.kept = {}  # records that the test has made, by situation

    @classmethod
    def _jet_vals(cls, name, role, server):
        """Return values of a jet on which the person has these roles."""
        return {
            "name": "Jet",
            "jet_template_id": cls.template.id,
            "server_id": cls.servers[name, server].id,
            **cls._roles(**cls._role(cls.people[name], role)),
        }

    def _jet(self, name, role, server):
        """Return a jet of somebody else on which the person has these roles. Attempts are undone, so one is enough."""
        key = ("jet", name, role, server)
        if key not in self.kept:
            self.kept[key] = self.env["cx.tower.jet"].create(self._jet_vals(name, role, server))
        return self.kept[key]

    @classmethod
    def _template_vals(cls, name, level, role):
        return {
            "name": "Template",
            "access_level": level,
            **cls._roles(**cls._role(cls.people[name], role)),
        }

    def _template_of(self, name, level, role, jet):
        """Return a template of somebody else, with a jet on which the person has the role ``jet``."""
        key = ("template", name, level, role, jet)
        if key not in self.kept:
            template = self.env["cx.tower.jet.template"].create(self._template_vals(name, level, role))
            self.kept[key] = self._with_jet(template, name, jet)
        return self.kept[key]

    def _with_jet(self, template, name, role):
        """Give a template two jets: one of nobody, one with the role. :return: the template"""
        template.server_ids = self.nobodys_server
        for roles in ({}, self._role(self.people[name], role)):
            self._new_jet("Jet", template=template, server_id=self.nobodys_server.id, **roles)
        return template

    def _tries(self, attempt):
        """Return whether ``attempt`` is allowed. What fails only because something else needs the record is allowed."""
        try:
            with mute_logger("odoo.sql_db"):
                return super()._tries(attempt)
        except (ForeignKeyViolation, UserError):
            return True

    def _check_all(self, lines, dimensions, make, change, create=None):
        """Check a table for all people.

        :param dimensions: {dimension: values} of the situations
        :param make: function of the person's name and a situation that returns the record
        :param create: function of the person's name and a situation that returns values, None: creating is tried with none
        """
        situations = [s for s in self._situations(**dimensions) if telling(s)]
        for name in self.people:
            self._check(
                lines,
                situations,
                lambda s, name=name: make(name, s),
                name,
                change,
                (lambda s, name=name: create(name, s)) if create else None,
            )
