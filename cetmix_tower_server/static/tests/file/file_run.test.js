import { POLL_INTERVAL_MS } from "@cetmix_tower_server/run/run_follower";
import { expect, test } from "@odoo/hoot";
import { advanceTime, animationFrame } from "@odoo/hoot-mock";
import {
    defineModels,
    fields,
    getService,
    makeMockEnv,
    MockServer,
    models,
    mountView,
    patchWithCleanup,
} from "@web/../tests/web_test_helpers";
import { mailModels } from "@mail/../tests/mail_test_helpers";

class Log extends models.Model {
    _name = "cx.tower.command.log";
    name = fields.Char();
    _records = [{ id: 7, name: "Push" }];
}

class File extends models.Model {
    _name = "cx.tower.file";
    name = fields.Char();
    is_being_processed = fields.Boolean();
    last_log_id = fields.Many2one({ relation: "cx.tower.command.log" });
    _records = [{ id: 1, name: "motd", is_being_processed: true, last_log_id: 7 }];
}

defineModels({ ...mailModels, Log, File });

let announce;

async function mountForm() {
    await mountView({
        type: "form",
        resModel: "cx.tower.file",
        resId: 1,
        arch: `<form><field name="name"/><widget name="tower_file_run"/></form>`,
    });
    await animationFrame();
}

async function mountListeningForm() {
    const channels = [];
    await makeMockEnv();
    patchWithCleanup(getService("bus_service"), {
        addChannel: (channel) => channels.push(channel),
        subscribe: (type, callback) => {
            if (type === "cetmix_tower_log") {
                announce = callback;
            }
        },
    });
    await mountForm();
    return channels;
}

const end = () => MockServer.env["cx.tower.file"].write([1], { is_being_processed: false });

test("the form shows that a transfer has ended without announcements", async () => {
    await mountForm();
    expect(".o_tower_file_run").toHaveCount(1);
    end();
    await advanceTime(POLL_INTERVAL_MS);
    await animationFrame();
    expect(".o_tower_file_run").toHaveCount(0);
});

test("progress of this run is shown; its announced end is read at once", async () => {
    const channels = await mountListeningForm();
    expect(channels).toInclude("cetmix_tower_log/7");
    announce({ id: 8, state: "running", progress: { done: 9, total: 9, text: "" } });
    await animationFrame();
    expect(".o_tower_progress").toHaveCount(0);
    announce({ id: 7, state: "running", progress: { done: 1, total: 4, text: "" } });
    announce({ id: 7, state: "running" });
    await animationFrame();
    expect(".o_tower_progress_text").toHaveText("1 of 4 files");
    end();
    announce({ id: 7, state: "done" });
    await advanceTime(10);
    await animationFrame();
    expect(".o_tower_file_run").toHaveCount(0);
});
