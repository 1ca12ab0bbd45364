from odoo.tests import tagged

from ..jet_case import JetCase


@tagged("post_install", "-at_install")
class TestCreation(JetCase):
    def setUp(self):
        super().setUp()
        self.template.write(self._roles(self.user, self.manager))

    def _create(self, person=None, template=None, server=None, **kwargs):
        return self._as(template or self.template, person).create_jet(server or self.server.id, **kwargs)

    def test_a_user_of_the_template_becomes_user_of_the_jet(self):
        jet = self._create(self.user, name="Web", url="https://web.example.com", note="first")
        self.assertEqual(
            (jet.name, jet.url, jet.note, jet.state), ("Web", "https://web.example.com", "first", "draft")
        )
        self.assertEqual(jet.env.user, self.user)
        self.assertEqual(jet.sudo().user_ids, self.user)
        self.assertEqual(jet.sudo().manager_ids, self.manager)
        self.assertEqual(jet.transition_ids.user_id, self.user)
        self.assertEqual(jet.create_uid, self.user)

    def test_a_manager_becomes_manager_of_the_jet(self):
        self.template.write(self._roles(self.manager))
        jet = self._create(self.manager)
        self.assertEqual((jet.manager_ids, jet.user_ids), (self.manager, self.manager))
        self.assertTrue(jet.name.startswith("Shop "))
