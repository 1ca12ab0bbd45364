import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { describe, expect, test } from "@odoo/hoot";
import { advanceTime, animationFrame } from "@odoo/hoot-mock";
import { defineModels, fields, MockServer, models, mountView, onRpc } from "@web/../tests/web_test_helpers";

describe.current.tags("desktop");
defineMailModels();

class Installation extends models.Model {
    _name = "cx.tower.jet.template.install";
    state = fields.Selection({
        selection: [
            ["processing", "Processing"],
            ["done", "Done"],
        ],
    });
    _records = [{ id: 1, state: "processing" }];
    _views = {
        form: `<form js_class="tower_installation_form" edit="0"><field name="state"/></form>`,
        list: `<list js_class="tower_installation_list"><field name="state"/></list>`,
    };
}
defineModels([Installation]);

for (const [type, resId] of [
    ["form", 1],
    ["list", undefined],
]) {
    test(`the ${type} follows an installation to its end, and is not read any more afterwards`, async () => {
        await mountView({ type, resModel: "cx.tower.jet.template.install", resId });
        expect("[name=state]:contains(Processing)").toHaveCount(1);
        MockServer.env["cx.tower.jet.template.install"].write([1], { state: "done" });
        await advanceTime(3000);
        await animationFrame();
        expect("[name=state]:contains(Done)").toHaveCount(1);
        onRpc("web_read", () => expect.step("read"));
        onRpc("web_search_read", () => expect.step("read"));
        await advanceTime(5000);
        expect.verifySteps([]);
    });
}
