import { POLL_INTERVAL_MS } from "@cetmix_tower_server/run/run_follower";
import { useRefreshAfterRuns } from "@cetmix_tower_server/run/use_view_refresh";
import { beforeEach, describe, expect, test } from "@odoo/hoot";
import { advanceTime } from "@odoo/hoot-mock";
import { Component, xml } from "@odoo/owl";
import {
    defineModels,
    fields,
    MockServer,
    models,
    mountWithCleanup,
    onRpc,
} from "@web/../tests/web_test_helpers";
import { mailModels } from "@mail/../tests/mail_test_helpers";

describe.current.tags("headless");

class Thing extends models.Model {
    _name = "thing";
    state = fields.Char();
    _records = [{ id: 1, state: "running" }];
}

defineModels({ ...mailModels, Thing });

let view; // what it shows, and whether somebody edits it

class View extends Component {
    static template = xml`<div/>`;
    static props = [];

    setup() {
        const record = { resModel: "thing", resId: 1, data: { state: "running" } };
        useRefreshAfterRuns({
            records: () => (record.data.state === "running" ? [record] : []),
            field: "state",
            isBusy: () => view.isBusy,
            async reload() {
                expect.step("reload");
                record.data.state = MockServer.env["thing"].browse(1)[0].state;
            },
        });
    }
}

beforeEach(() => {
    view = { isBusy: false };
});

const end = () => MockServer.env["thing"].write([1], { state: "done" });

async function mount() {
    onRpc("thing", "read", () => expect.step("ask"));
    return mountWithCleanup(View);
}

test("the view is reloaded when the run has ended, not before", async () => {
    await mount();
    await advanceTime(POLL_INTERVAL_MS);
    expect.verifySteps(["ask"]);
    end();
    await advanceTime(POLL_INTERVAL_MS);
    expect.verifySteps(["ask", "reload"]);
    await advanceTime(5 * POLL_INTERVAL_MS);
    expect.verifySteps([]);
});

test("a view that is being edited is not reloaded", async () => {
    await mount();
    view.isBusy = true;
    end();
    await advanceTime(POLL_INTERVAL_MS);
    expect.verifySteps([]);
    view.isBusy = false;
    await advanceTime(POLL_INTERVAL_MS);
    expect.verifySteps(["ask", "reload"]);
});

test("after a failure it is tried again", async () => {
    let isOffline = true;
    await mount();
    onRpc("thing", "read", () => {
        if (isOffline) {
            throw new Error("offline");
        }
    });
    end();
    await advanceTime(POLL_INTERVAL_MS);
    isOffline = false;
    await advanceTime(2 * POLL_INTERVAL_MS);
    expect.verifySteps(["ask", "reload"]);
});

test("a closed view stops polling", async () => {
    const component = await mount();
    component.__owl__.destroy();
    await advanceTime(5 * POLL_INTERVAL_MS);
    expect.verifySteps([]);
});
