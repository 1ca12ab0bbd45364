import json

from odoo.tests import tagged

from .test_topology import TopologyCase


@tagged("post_install", "-at_install")
class TestLinkNews(TopologyCase):
    """Open screens are told when links between jets change."""

    def announced(self):
        """Return the ids that open screens have been told since the last call."""
        self.env.cr.flush()
        sent = self.env["bus.bus"].search([]).filtered(lambda one: "cetmix_tower_jets" in one.message)
        ids = {number for one in sent for number in json.loads(one.message)["payload"]["ids"]}
        sent.unlink()
        return ids

    def test_both_ends_of_a_link_that_is_made_changed_or_removed(self):
        other = self._new_database("Other", **self.roles)
        link = self.shop.jet_requires_ids
        self.announced()
        link.jet_depends_on_id = other
        self.assertEqual(self.announced(), {self.shop.id, self.db.id, other.id})
        link._serve_with(self.db)
        self.assertEqual(self.announced(), {self.shop.id, self.db.id, other.id})
        link.unlink()
        self.assertEqual(self.announced(), {self.shop.id, self.db.id})
        self.env["cx.tower.jet.dependency"].create({"jet_id": self.shop.id, "jet_depends_on_id": other.id})
        self.assertEqual(self.announced(), {self.shop.id, other.id})
