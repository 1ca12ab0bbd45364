from odoo.addons.cetmix_tower_server.tests.browser import BrowserCase
from odoo.tests import tagged

from ..jet_case import JetCase

WIZARD = "/odoo/action-cetmix_tower_jet.action_cx_tower_jet_create"
HELPERS = """
const find = (selector, text) =>
    [...document.querySelectorAll(selector)].find((element) => element.innerText.includes(text));
const until = async (happens, what) => {
    for (let tries = 0; tries < 300; tries++) {
        const found = happens();
        if (found) return found;
        await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error("it does not happen: " + what);
};
const till = (selector, text = "") => until(() => find(selector, text), selector + " " + text);
const gone = (selector) => until(() => !document.querySelector(selector), "no " + selector);
const choose = async (item) => {
    const input = await till("[name=jet_template_id] input");
    input.focus();
    input.click();
    (await till(item, "Shop")).click();
};
const check = (truth, what) => { if (!truth) throw new Error(what); };
"""


class WizardCase(BrowserCase, JetCase):
    """A user who can launch one template."""

    def setUp(self):
        super().setUp()
        self.template.write({**self._roles(self.user, self.manager), "access_level": "1"})
        self.user.password = "tower_user"

    def _run(self, steps):
        code = HELPERS + "(async () => {" + steps + "console.log('test successful'); })();"
        self.browser_js(WIZARD, code, login="tower_user")


@tagged("post_install", "-at_install")
class TestCreateOnPhone(WizardCase):
    browser_size = "420x900"

    def test_a_user_launches_a_jet(self):
        self._run(
            """
            await choose(".modal .o_kanban_record, .o-autocomplete--dropdown-item a");
            const text = (await till("[name=explanation] ol")).innerText;
            check(text.includes("Prepare"), text);
            check(document.documentElement.scrollWidth <= 420, "wider than the phone");
            (await till("button[name=action_confirm]")).click();
            await gone("button[name=action_confirm]");
            await till(".o_form_view", "Shop");
            """
        )
        jet = self.env["cx.tower.jet"].search([("jet_template_id", "=", self.template.id)])
        self.assertEqual((jet.state, jet.create_uid), ("draft", self.user))


@tagged("post_install", "-at_install")
class TestCreateOnScreen(WizardCase):
    browser_size = "1400x900"

    def test_the_reason_is_shown_and_the_button_disabled(self):
        self.template.limit_per_server = 1
        self._new_jet()
        self._run(
            """
            await choose(".o-autocomplete--dropdown-item a");
            const reason = (await till("[role=alert] [name=problem]")).innerText;
            check(reason.includes("jets per server: 1"), reason);
            check(document.querySelector("footer button.btn-primary").disabled, "the button is not disabled");
            document.querySelector("footer button[special=cancel], footer button.btn-secondary").click();
            await gone("[name=problem]");
            """
        )
