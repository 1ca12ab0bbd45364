import inspect

from odoo.tests import tagged
from odoo.tools import mute_logger

from ..api_case import ApiCase
from ..common import slow

OUR_MODULE = "odoo.addons.cetmix_tower_server"
OUR_MODELS = ("cx.tower.", "cetmix.tower")
# What anybody who is logged in may call, and why.
HARMLESS = {
    ("cetmix.tower", "generate_random_id"),  # makes a random text
    ("cetmix.tower", "is_valid_url"),  # looks at a text
}
STANDARD = {
    "get_empty_list_help",
    "create",
    "write",
    "read",
    "unlink",
    "copy",
    "copy_data",
    "default_get",
    "onchange",
    "web_read",
}


@tagged("post_install", "-at_install")
class TestApiDenials(ApiCase):
    """Every public method of ours, found by looking, called over HTTP by somebody without any Tower right."""

    def our_methods(self):
        """Return [(model, method name, arguments)] of all public methods that this addon defines."""
        found = []
        for model in sorted(name for name in self.env.registry if name.startswith(OUR_MODELS)):
            for name in dir(self.env.registry[model]):
                method = getattr(self.env.registry[model], name, None)
                ours = callable(method) and str(getattr(method, "__module__", "")).startswith(OUR_MODULE)
                if (
                    name.startswith("_")
                    or not ours
                    or name in STANDARD
                    or getattr(method, "_api_private", False)
                ):
                    continue
                if not inspect.isfunction(method) or self.env[model]._abstract and model != "cetmix.tower":
                    continue
                found.append((model, name, self.arguments(method)))
        return found

    @staticmethod
    def arguments(method):
        """Return something for each argument that a method requires."""
        parameters = list(inspect.signature(method).parameters.values())[1:]
        kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        return {p.name: "nowhere" for p in parameters if p.default is p.empty and p.kind in kinds}

    def some_record(self, model):
        """Return the ids of one record that exists, where there is one."""
        return self.env[model].sudo().with_context(active_test=False).search([], limit=1).ids or [1]

    @mute_logger("odoo.http", "odoo.sql_db")
    @slow
    def test_a_stranger_gets_nowhere(self):
        methods = self.our_methods()
        self.assertGreater(len(methods), 30, "the search for our methods finds too few")
        for model, name, arguments in methods:
            with self.subTest(model=model, method=name):
                is_model_method = getattr(getattr(self.env.registry[model], name), "_api_model", False)
                needs_no_record = is_model_method or self.env[model]._abstract
                records = None if needs_no_record else self.some_record(model)
                status, answer = self.json2("stranger", model, name, records, **arguments)
                if (model, name) in HARMLESS:
                    self.assertEqual(status, 200, answer)
                else:
                    self.assertIn(status, (403, 404), f"{model}.{name}: {answer}")
