import { POLL_INTERVAL_MS } from "@cetmix_tower_server/run/run_follower";
import { expect, test } from "@odoo/hoot";
import { advanceTime, animationFrame } from "@odoo/hoot-mock";
import {
    contains,
    defineModels,
    fields,
    MockServer,
    models,
    mountView,
    onRpc,
} from "@web/../tests/web_test_helpers";
import { mailModels } from "@mail/../tests/mail_test_helpers";

class Run extends models.Model {
    _name = "run";
    state = fields.Char();
    _records = [
        { id: 1, state: "done" },
        { id: 2, state: "running" },
    ];
}

defineModels({ ...mailModels, Run });

async function mountList() {
    await mountView({
        type: "list",
        resModel: "run",
        arch: `<list js_class="tower_live_list"><field name="state"/></list>`,
    });
    onRpc("run", "web_search_read", () => expect.step("read"));
}

async function nextPoll() {
    await advanceTime(POLL_INTERVAL_MS);
    await animationFrame();
}

test("a list is read again while a run on the page has not ended", async () => {
    await mountList();
    await nextPoll();
    expect.verifySteps(["read"]);
    MockServer.env["run"].write([2], { state: "done" });
    await nextPoll();
    expect.verifySteps(["read"]);
    expect(".o_data_cell:contains(running)").toHaveCount(0);
    await nextPoll();
    expect.verifySteps([]);
});

test("a list with a selection is not read again", async () => {
    await mountList();
    await contains(".o_data_row:first .o_list_record_selector input").click();
    await nextPoll();
    expect.verifySteps([]);
});
