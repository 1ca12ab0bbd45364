"""Rules that each of Tower's addons keeps to, checked on what one addon brings.

A module named `*_case.py` has the tests of a rule, which run once for each addon, in a class of the addon's own tests. For
another addon that depends on this one:

    from odoo.addons.cetmix_tower_server.tests.run.api_denials_case import ApiDenialsCase

    @tagged("post_install", "-at_install")
    class TestMyApiDenials(ApiDenialsCase):
        addon = "my_addon"
        at_least = {"methods": 5}
"""

import inspect

PREFIX = "cx.tower."
MODELS_OF_THE_API = (PREFIX, "cetmix.tower")
# Odoo's own methods, also where a model of ours extends them.
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


class AddonCase:
    """Mixin of tests that look at the models, fields, menus and methods that one addon brings.

    :cvar addon: technical name of the addon
    :cvar at_least: smallest numbers of what the tests must find, so that a search that finds nothing fails
    """

    addon = "cetmix_tower_server"
    at_least: dict[str, int] = {}
    allow_inherited_tests_method = True  # Odoo runs inherited tests only where a class says so

    def assert_found(self, what, count):
        """Check that the tests found as many of something as the addon is known to have."""
        self.assertGreaterEqual(count, self.at_least.get(what, 1), f"too few found: {what}")

    def own_models(self):
        """Return the names of Tower's models that the addon defines."""
        models = self.env.registry.models.values()
        own = [model._name for model in models if model._original_module == self.addon]
        return sorted(name for name in own if name.startswith(PREFIX))

    def own_fields(self, model):
        """Return {name: field} of the fields that the addon brings to one of Tower's models.

        All fields of its own models are the addon's, those of mixins, too, except what other addons add to them.
        """
        cls = self.env.registry[model]
        parts = [part for part in cls.__mro__ if getattr(part, "_name", None) == model]
        added_by = {part._module for part in parts if getattr(part, "_module", None)} - {cls._original_module}
        owners = {name: self._owner(field, cls, added_by) for name, field in cls._fields.items()}
        return {name: field for name, field in cls._fields.items() if owners[name] == self.addon}

    @staticmethod
    def _owner(field, cls, added_by):
        modules = [module for module in field._modules if module]
        return modules[0] if modules and added_by.issuperset(modules) else cls._original_module

    def models_with_own_fields(self):
        """Yield (model name, {name: field}) of Tower's models to which the addon brings fields."""
        for name in sorted(name for name in self.env.registry if name.startswith(PREFIX)):
            fields = self.own_fields(name)
            if fields:
                yield name, fields

    def own_menus(self, person):
        """Return the menus of the addon in Tower's app that a person sees and that have an action."""
        root = self.env.ref("cetmix_tower_server.menu_root")
        menus = self.env["ir.ui.menu"].with_user(person)
        shown = menus.browse(list(menus._visible_menu_ids())).sudo()
        shown = shown.filtered(lambda menu: menu.parent_path.startswith(root.parent_path) and menu.action)
        return shown.filtered(
            lambda menu: (menu.get_external_id()[menu.id] or "").startswith(f"{self.addon}.")
        )

    def is_own(self, method):
        """Return whether the addon's code defines this method."""
        module = str(getattr(method, "__module__", ""))
        return f"{module}.".startswith(f"odoo.addons.{self.addon}.")

    def own_methods(self):
        """Return [(model, method name, arguments)] of all public methods that the addon defines.

        The arguments are a text for each one that the method requires.
        """
        found = []
        for model in sorted(name for name in self.env.registry if name.startswith(MODELS_OF_THE_API)):
            for name in dir(self.env.registry[model]):
                method = getattr(self.env.registry[model], name, None)
                is_own = callable(method) and self.is_own(method)
                if (
                    name.startswith("_")
                    or not is_own
                    or name in STANDARD
                    or getattr(method, "_api_private", False)
                ):
                    continue
                if not inspect.isfunction(method) or self.env[model]._abstract and model != "cetmix.tower":
                    continue
                found.append((model, name, self._arguments(method)))
        return found

    @staticmethod
    def _arguments(method):
        parameters = list(inspect.signature(method).parameters.values())[1:]
        kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        return {p.name: "nowhere" for p in parameters if p.default is p.empty and p.kind in kinds}
