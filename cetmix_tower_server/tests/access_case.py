"""Access rights as a table: who may do what with a record in which situation, and every denial between these lines."""

from itertools import product
from types import SimpleNamespace

from odoo.exceptions import AccessError
from odoo.tools import mute_logger

from .common import TowerCommon

# Letters of the groups that apply to each person.
GROUPS = {"outsider": "", "user": "u", "manager": "um", "root": "umr"}
ROLES = ("", "users", "managers")
OWN = (False, True)
LEVELS = ("1", "2", "3")
ANY = ("users", "managers")


class _Undo(Exception):
    """Ends an attempt that worked, so that the next one finds the record as it was."""


class AccessMatrixCase(TowerCommon):
    """Each person tries each operation in each situation. It must work exactly where a line of the table allows it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.people = {name: getattr(cls, name) for name in GROUPS}
        # servers on which a person has a given role, or none
        cls.servers = {
            (name, role): cls._new_server(f"{name} {role}", **cls._role(person, role))
            for (name, person), role in product(cls.people.items(), ROLES)
        }

    @staticmethod
    def _role(person, role):
        """Return keyword arguments for factories that give ``person`` this role."""
        return {role: person} if role else {}

    def _make(self, model, vals, own, person):
        """Create a record without any rights involved, by ``person`` or by somebody else."""
        author = person if own else self.manager_2
        return self.env[model].with_user(author).sudo().create(vals).with_env(self.env)

    def _tries(self, attempt):
        """Return whether ``attempt`` is allowed; it is undone in any case."""
        try:
            with self.env.cr.savepoint(), mute_logger("odoo.addons.base.models.ir_rule", "odoo.models"):
                attempt()
                self.env.flush_all()
                raise _Undo
        except _Undo:
            return True
        except AccessError:
            return False

    def _check(self, lines, situations, make, person_name, change, create=None):
        """Try every operation in every situation.

        :param lines: [(group letter, operations, condition of a situation)]
        :param situations: the situations of a record towards the person
        :param make: function of a situation that returns the record
        :param change: values that a person writes
        :param create: function of a situation that returns values for creating such a record, None to skip it
        """
        person = self.people[person_name]
        # outsiders and Root have the same rights in all situations: some are enough
        for situation in situations[:: {"outsider": 5, "root": 3}.get(person_name, 1)]:
            allowed = self._allowed(lines, situation, person_name)
            record = make(situation)
            own = record.with_user(person)
            field = next(iter(change))
            attempts = {
                "R": lambda own=own, field=field: own.read([field]),
                "U": lambda own=own: own.write(change),
                "D": lambda own=own: own.unlink(),
            }
            if create and getattr(situation, "own", True):
                # the creator of a record is its author, so situations with another author do not exist
                attempts["C"] = lambda own=own, situation=situation: own.browse().create(create(situation))
            for operation, attempt in attempts.items():
                with self.subTest(model=record._name, person=person_name, op=operation, **vars(situation)):
                    self.env.invalidate_all()
                    self.assertEqual(self._tries(attempt), operation in allowed)
            found = self._search(own)
            with self.subTest(model=record._name, person=person_name, op="search", **vars(situation)):
                self.assertEqual(found, "R" in allowed)

    @staticmethod
    def _allowed(lines, situation, person_name):
        """Return the letters of the operations that the lines allow a person in a situation."""
        return {
            operation
            for group, operations, condition in lines
            if group in GROUPS[person_name] and condition(situation)
            for operation in operations
        }

    def _search(self, record):
        try:
            return bool(record.with_context(active_test=False).search([("id", "=", record.id)]))
        except AccessError:
            return False

    @staticmethod
    def _situations(**dimensions):
        return [
            SimpleNamespace(**dict(zip(dimensions, values, strict=True)))
            for values in product(*dimensions.values())
        ]
