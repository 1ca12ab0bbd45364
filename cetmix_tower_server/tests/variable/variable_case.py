from contextlib import contextmanager

from odoo.exceptions import ValidationError
from odoo.tests import TransactionCase

from ...engine.bounded import pool


class VariableCase(TransactionCase):
    """Two servers, and short ways to create variables and values as superuser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(pool.end_idle)  # Odoo's tests complain about processes that are left
        cls.Variable = cls.env["cx.tower.variable"]
        cls.Value = cls.env["cx.tower.variable.value"]
        cls.server = cls._make_server("One", ip_v4_address="192.0.2.1")
        cls.other_server = cls._make_server("Two", ip_v4_address="192.0.2.2")

    @classmethod
    def _make_server(cls, name, **vals):
        values = {"name": name, "ssh_username": "admin", "ssh_password": "secret", **vals}
        return cls.env["cx.tower.server"].with_context(skip_ssh_settings_check=True).create(values)

    @classmethod
    def _make_variable(cls, reference, global_value=None, server_value=None, **vals):
        """Return a variable with, where given, a global value and one of ``cls.server``."""
        values = {"name": reference, "reference": reference, "access_level": "1", **vals}
        variable = cls.Variable.create(values)
        if global_value is not None:
            cls._make_value(variable, global_value)
        if server_value is not None:
            cls._make_value(variable, server_value, server_id=cls.server.id)
        return variable

    @classmethod
    def _make_value(cls, variable, text, **vals):
        return cls.Value.create({"variable_id": variable.id, "value_char": text, **vals})

    @contextmanager
    def assertRefused(self, pattern):
        """Expect a ValidationError whose message matches; undo what was written before it (assertRaises does)."""
        with self.assertRaises(ValidationError) as caught:
            yield
        self.assertRegex(str(caught.exception), pattern)
