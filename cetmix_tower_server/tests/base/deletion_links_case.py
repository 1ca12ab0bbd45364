"""Before a record is deleted, Tower says all that goes with it."""

from odoo.tests import TransactionCase

from ..addon_case import AddonCase


class DeletionLinksCase(AddonCase, TransactionCase):
    """Every link of an addon that deletes, found by looking."""

    def test_all_that_goes_with_a_record_is_said(self):
        found = 0
        for name, own_fields in self.models_with_own_fields():
            model = self.env[name]
            if model._abstract or model._transient:
                continue
            for field in own_fields.values():
                owner = field.comodel_name if field.type == "many2one" and field.store else None
                if owner and field.ondelete == "cascade" and hasattr(self.env[owner], "describe_deletion"):
                    found += 1
                    with self.subTest(f"{model._name}.{field.name}"):
                        self.assertIn((model._name, field.name), self.env[owner]._deletion_links())
                        self.assertTrue(self.env[owner]._label_of_link(model._name, field.name))
        self.assert_found("links that delete", found)
