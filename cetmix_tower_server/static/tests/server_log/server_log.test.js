import { expect, test } from "@odoo/hoot";
import { click } from "@odoo/hoot-dom";
import { advanceTime, animationFrame } from "@odoo/hoot-mock";
import {
    MockServer,
    defineModels,
    fields,
    models,
    mountView,
    mountWithCleanup,
    onRpc,
    patchWithCleanup,
} from "@web/../tests/web_test_helpers";
import { mailModels } from "@mail/../tests/mail_test_helpers";
import { LiveConsole } from "@cetmix_tower_server/command/live_console";
import { POLL_INTERVAL_MS } from "@cetmix_tower_server/run/run_follower";
import { FollowLog } from "@cetmix_tower_server/server_log/follow_log";

class ServerLog extends models.Model {
    _name = "cx.tower.server.log";
    name = fields.Char();
    log_html = fields.Html();
    is_cut = fields.Boolean();
    is_refreshing = fields.Boolean();
    log_date = fields.Datetime();
    log_tried = fields.Datetime();
    log_state = fields.Selection({
        selection: [
            ["never", "Not fetched"],
            ["done", "Fetched"],
            ["failed", "Failed"],
        ],
    });
    log_message = fields.Text();
    _records = [
        { id: 1, name: "never", log_state: "never", log_html: "(empty)" },
        {
            id: 2,
            name: "failed",
            log_state: "failed",
            log_html: "old text",
            log_message: "no route <b>",
            log_date: "2026-01-01 10:00:00",
            log_tried: "2026-01-01 11:00:00",
        },
        { id: 3, name: "busy", log_state: "never", log_html: "(empty)", is_refreshing: true },
    ];
}

defineModels({ ...mailModels, ServerLog });

const ARCH = `<form><field name="name"/><widget name="tower_server_log_text"/></form>`;
const mountForm = (resId) => mountView({ type: "form", resModel: ServerLog._name, resId, arch: ARCH });

test("a log that was never fetched", async () => {
    await mountForm(1);
    expect(".o_tower_server_log").toHaveAttribute("data-state", "never");
    expect(".o_tower_server_log").toHaveText(/Not fetched yet/);
    expect(".o_tower_server_log_failure").toHaveCount(0);
});

test("a failure shows its reason and that the text is older", async () => {
    await mountForm(2);
    expect(".o_tower_server_log_failure").toHaveText(/no route <b>/);
    expect(".o_tower_server_log_failure").toHaveText(/The text below was fetched/);
    expect(".o_tower_server_log_text").toHaveText("old text");
});

test("the form shows when a refresh has ended", async () => {
    await mountForm(3);
    expect(".o_tower_server_log").toHaveAttribute("data-state", "refreshing");
    const values = { is_refreshing: false, log_state: "done", log_html: "new text" };
    MockServer.env["cx.tower.server.log"].write([3], values);
    await advanceTime(POLL_INTERVAL_MS);
    await animationFrame();
    await animationFrame();
    expect(".o_tower_server_log").toHaveAttribute("data-state", "done");
    expect(".o_tower_server_log_text").toHaveText("new text");
});

function mountFollow() {
    patchWithCleanup(LiveConsole.prototype, {
        _open: () => new Promise(() => {}), // nothing is read
    });
    onRpc("cx.tower.command.log", "stop", ({ args }) => {
        expect.step(`stop ${args[0]}`);
        return true;
    });
    const action = { params: { run_id: 5, minutes: 30 } };
    return mountWithCleanup(FollowLog, { props: { action } });
}

test("closing the dialog stops the run", async () => {
    const dialog = await mountFollow();
    expect(".o_tower_follow_log").toHaveText(/after 30 minutes/);
    dialog.__owl__.destroy();
    await animationFrame();
    expect.verifySteps(["stop 5"]);
});

test("a run that has ended is not stopped", async () => {
    const dialog = await mountFollow();
    dialog.onFinished();
    await click(".o_tower_follow_close");
    dialog.__owl__.destroy();
    await animationFrame();
    expect.verifySteps([]);
});
