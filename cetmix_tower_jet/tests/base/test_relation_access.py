from odoo.addons.cetmix_tower_server.tests.base.relation_access_case import RelationAccessCase
from odoo.tests import tagged


@tagged("post_install", "-at_install")
class TestJetRelationAccess(RelationAccessCase):
    """Relations of this addon."""

    addon = "cetmix_tower_jet"

    def make(self, model, readers=None, managers=None, person=None):
        roles = self._roles(readers, managers)
        Model = self._as(self.env[model], person)
        if model == "cx.tower.jet.template":
            return Model.create({"name": "Record", **roles})
        if model == "cx.tower.jet":
            return Model.create({"name": "Record", **self.where, **roles})
        return super().make(model, readers, managers, person)

    def setUp(self):
        super().setUp()
        template = self.env["cx.tower.jet.template"].create(
            {"name": "Shop", "server_ids": self.seen.ids, **self._roles(self.manager, self.manager)}
        )
        self.where = {"jet_template_id": template.id, "server_id": self.seen.id}
