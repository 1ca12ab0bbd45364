from odoo.addons.cetmix_tower_server.tests.screens.screen_words_case import ScreenWordsCase
from odoo.tests import tagged

from ..jet_records import JetRecords


@tagged("post_install", "-at_install")
class TestJetScreenWords(JetRecords, ScreenWordsCase):
    """Words on the screens of this addon. None of its own fields is a text that is rendered."""

    at_least = {"texts": 0}
