"""Public methods, called by somebody who may not."""

from odoo.tools import mute_logger

from ..addon_case import AddonCase
from ..api_case import ApiCase
from ..common import slow


class ApiDenialsCase(AddonCase, ApiCase):
    """Every public method of an addon, found by looking, called over HTTP by somebody without any Tower right.

    :cvar harmless: {(model, method)} that anybody who is logged in may call
    """

    harmless: frozenset[tuple[str, str]] = frozenset()

    def some_record(self, model):
        """Return the ids of one record that exists, where there is one."""
        return self.env[model].sudo().with_context(active_test=False).search([], limit=1).ids or [1]

    @mute_logger("odoo.http", "odoo.sql_db")
    @slow
    def test_a_stranger_gets_nowhere(self):
        methods = self.own_methods()
        self.assert_found("methods", len(methods))
        for model, name, arguments in methods:
            with self.subTest(model=model, method=name):
                is_model_method = getattr(getattr(self.env.registry[model], name), "_api_model", False)
                needs_no_record = is_model_method or self.env[model]._abstract
                records = None if needs_no_record else self.some_record(model)
                status, answer = self.json2("stranger", model, name, records, **arguments)
                if (model, name) in self.harmless:
                    self.assertEqual(status, 200, answer)
                else:
                    self.assertIn(status, (403, 404), f"{model}.{name}: {answer}")
