"""What Odoo cannot check of overridden constraints."""

from odoo.tests import TransactionCase

from ..addon_case import AddonCase


class ConstraintsCase(AddonCase, TransactionCase):
    """An override of a constraint has the same fields: Odoo only reads the decorator of the last one."""

    def fields_of(self, model, method):
        names = getattr(method, "_constrains", ())
        return set(names(model) if callable(names) else names)

    def test_an_override_looks_at_all_fields_of_what_it_overrides(self):
        found = 0
        for model in self.env.values():
            if not model._name.startswith(("cx.tower.", "cetmix.")):
                continue
            for name in dir(type(model)):
                if not name.startswith("_check"):
                    continue
                versions = [vars(cls)[name] for cls in type(model).__mro__ if name in vars(cls)]
                if not any(self.is_own(version) for version in versions):
                    continue
                last = self.fields_of(model, versions[0])
                for version in versions[1:]:
                    found += 1
                    with self.subTest(model=model._name, constraint=name):
                        self.assertLessEqual(self.fields_of(model, version), last)
        self.assert_found("overridden constraints", found)
