import { fillPlaceholders } from "@cetmix_tower_server/base/form/confirmation";
import { mockTerminal } from "../terminal_test_helpers";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { beforeEach, describe, expect, test } from "@odoo/hoot";
import { click, press, queryAllTexts, waitFor } from "@odoo/hoot-dom";
import { advanceTime, animationFrame } from "@odoo/hoot-mock";
import {
    contains,
    defineModels,
    fields,
    getService,
    MockServer,
    models,
    mountView,
    mountWithCleanup,
    onRpc,
} from "@web/../tests/web_test_helpers";
import { WebClient } from "@web/webclient/webclient";

describe.current.tags("desktop");
defineMailModels();

class Server extends models.Model {
    _name = "cx.tower.server";
    name = fields.Char();
    last_run_state = fields.Char();
    _records = [{ id: 1, name: "web-1", last_run_state: "running" }];
}

class Run extends models.Model {
    _name = "cx.tower.command.log";
    name = fields.Char();
    state = fields.Char();
    server_id = fields.Many2one({ relation: "cx.tower.server" });
    _records = [{ id: 1, name: "Restart", state: "done", server_id: 1 }];
    _views = {
        form: `<form js_class="tower_form" edit="0">
            <header>
                <button name="action_run_again" type="object" string="Run Again" class="btn-primary"
                    invisible="state in ('queued', 'running')" confirm="Run “{name}” on {server_id} again?"/>
            </header>
            <field name="name"/><field name="server_id"/><field name="state"/>
            <widget name="tower_live_console"/>
        </form>`,
    };
}

class PlanRun extends models.Model {
    _name = "cx.tower.plan.log";
    name = fields.Char();
    state = fields.Char();
    top_plan_log_id = fields.Many2one({ relation: "cx.tower.plan.log" });
    _records = [{ id: 1, name: "Update", state: "done" }];
}

class FleetRun extends models.Model {
    _name = "cx.tower.fleet.run";
    name = fields.Char();
    state = fields.Char();
    _records = [{ id: 1, name: "Update", state: "done" }];
}

class Command extends models.Model {
    _name = "cx.tower.command";
    name = fields.Char();
    may_write = fields.Boolean();
    may_delete = fields.Boolean();
    may_copy = fields.Boolean();
    readonly_reason = fields.Char();
    _records = [
        {
            id: 1,
            name: "Theirs",
            may_write: false,
            may_delete: false,
            may_copy: true,
            readonly_reason: "Read-only for you. Only Ann can change it.",
        },
        { id: 2, name: "Mine", may_write: true, may_delete: true, may_copy: true, readonly_reason: false },
    ];
    _views = {
        form: `<form js_class="tower_form">
            <header><button name="action_run" type="object" string="Run" class="btn-primary"/></header>
            <field name="name"/>
            <field name="may_write" invisible="1"/><field name="may_delete" invisible="1"/>
            <field name="may_copy" invisible="1"/><field name="readonly_reason" invisible="1"/>
        </form>`,
    };
}

defineModels([Server, Run, PlanRun, FleetRun, Command]);

beforeEach(() => mockTerminal());

const ENDED = {
    state: "done",
    finished: true,
    exit_code: 0,
    message: "",
    duration: 0,
    stop_requested_by: "",
    can_stop: false,
    can_run_again: true,
};
const READS = {
    "cx.tower.command.log": ["read_output", { ...ENDED, chunks: [], end: 0, more: false }],
    "cx.tower.plan.log": [
        "read_progress",
        {
            ...ENDED,
            id: 1,
            name: "Update",
            plan: "Update",
            server: "web-1",
            can_resume: false,
            resumed_from: false,
            resumed_by: false,
            steps_total: 0,
            steps_done: 0,
            steps: [],
        },
    ],
    "cx.tower.fleet.run": [
        "read_progress",
        {
            ...ENDED,
            id: 1,
            name: "Update",
            can_retry: false,
            retry: { failed: 0, unfinished: 0 },
            concurrency_limit: 0,
            stop_after_failures: 0,
            stop_after_percent: 0,
            is_halted: false,
            total: 0,
            matching: 0,
            rows: [],
            counts: { active: 0, held: 0, failed: 0, stopped: 0, done: 0 },
        },
    ],
};
const WIDGETS = {
    "cx.tower.command.log": "tower_live_console",
    "cx.tower.plan.log": "tower_plan_steps",
    "cx.tower.fleet.run": "tower_fleet_run",
};

/** Answers what a console reads; the first time the form is read it is told that the run goes on. */
function serveQuickRun(model) {
    const [method, answer] = READS[model];
    let reads = 0;
    onRpc(model, method, () => answer);
    onRpc(model, "web_read", async ({ parent }) => {
        const [values] = await parent();
        reads++;
        return [{ ...values, state: reads === 1 ? "running" : "done" }];
    });
}

for (const model of Object.keys(WIDGETS)) {
    test(`the form of a run that ended before its console read it shows the end: ${model}`, async () => {
        serveQuickRun(model);
        await mountView({
            type: "form",
            resModel: model,
            resId: 1,
            arch: `<form js_class="tower_form" edit="0">
                <header><button name="action_run_again" type="object" string="Run Again"
                    invisible="state == 'running'"/></header>
                <field name="name"/><field name="state"/>
                <widget name="${WIDGETS[model]}"/>
            </form>`,
        });
        await waitFor("button[name=action_run_again]");
        expect(".o_field_widget[name=state]").toHaveText("done");
    });
}

test("no button of a finished run is focused: neither Space nor Enter starts anything", async () => {
    onRpc("cx.tower.command.log", "read_output", () => READS["cx.tower.command.log"][1]);
    onRpc("cx.tower.command.log", "action_run_again", () => {
        expect.step("started");
        return true;
    });
    await mountWithCleanup(WebClient);
    await getService("action").doAction({
        type: "ir.actions.act_window",
        res_model: "cx.tower.command.log",
        res_id: 1,
        views: [[false, "form"]],
    });
    await waitFor("button[name=action_run_again]");
    await animationFrame();
    expect(document.activeElement.closest("button")).toBe(null);
    await press(" ");
    await press("Enter");
    await animationFrame();
    expect(".modal").toHaveCount(0);
    // Whoever clicks is asked what is meant, and another press of a key does not answer.
    await click("button[name=action_run_again]");
    await waitFor(".modal:contains(Run “Restart” on web-1 again?)");
    await animationFrame();
    expect(".modal .btn-secondary").toBeFocused();
    await press("Enter");
    await advanceTime(100);
    await animationFrame();
    expect(".modal").toHaveCount(0);
    expect.verifySteps([]);
});

test("a record that the user may not write is read-only and says why", async () => {
    await mountWithCleanup(WebClient);
    await getService("action").doAction({
        type: "ir.actions.act_window",
        res_model: "cx.tower.command",
        res_id: 1,
        views: [[false, "form"]],
    });
    await waitFor(".o_form_readonly");
    expect(".o_tower_readonly").toHaveText("Read-only for you. Only Ann can change it.");
    expect(".o_field_widget[name=name] input").toHaveCount(0);
    expect(document.activeElement.closest("button")).toBe(null);
    await click(".o_cp_action_menus .fa-cog");
    await animationFrame();
    expect(queryAllTexts(".o-dropdown--menu .o_menu_item")).toEqual(["Duplicate"]);
});

test("a record that the user may write is editable and offers all actions", async () => {
    await mountView({ type: "form", resModel: "cx.tower.command", resId: 2, actionMenus: {} });
    expect(".o_tower_readonly").toHaveCount(0);
    expect(".o_field_widget[name=name] input").toHaveValue("Mine");
    await click(".o_cp_action_menus .fa-cog");
    await animationFrame();
    expect(queryAllTexts(".o-dropdown--menu .o_menu_item")).toEqual(["Duplicate", "Delete"]);
});

test("the pager follows the rights on each record", async () => {
    await mountView({ type: "form", resModel: "cx.tower.command", resId: 1, resIds: [1, 2] });
    await waitFor(".o_form_readonly");
    await contains(".o_pager_next").click();
    await waitFor(".o_form_editable");
    expect(".o_tower_readonly").toHaveCount(0);
    await contains(".o_pager_previous").click();
    await waitFor(".o_form_readonly");
    await contains(".o_form_button_create").click();
    await waitFor(".o_form_editable .o_field_widget[name=name] input");
    expect(".o_field_widget[name=name] input").toBeFocused();
});

test("an empty picker says why and what to do", async () => {
    onRpc(
        "cx.tower.server",
        "get_empty_hint",
        () => "You see the servers whose User you are. Ask a Manager.",
    );
    onRpc("cx.tower.server", "web_name_search", () => []);
    await mountView({
        type: "form",
        resModel: "cx.tower.command.log",
        arch: `<form js_class="tower_form"><field name="server_id" options="{'no_create': True}"/></form>`,
    });
    await contains(".o_field_widget[name=server_id] input").click();
    await waitFor(".o_m2o_no_result");
    expect(".o_m2o_no_result").toHaveText("You see the servers whose User you are. Ask a Manager.");
    await contains(".o_field_widget[name=server_id] input").edit("web", { confirm: false });
    await advanceTime(500);
    await animationFrame();
    expect(".o_m2o_no_result").toHaveText("No record that you may choose here matches “web”.");
});

test("the host key is shown from the connection test", async () => {
    onRpc("cx.tower.server", "test_ssh_connection", () => ({
        status: 1,
        steps: [{ name: "host key", label: "Host key", ok: false, seconds: 0.1, message: "None is stored." }],
    }));
    // as the server's way for buttons answers: the views are added there
    onRpc("cx.tower.server", "action_show_host_key", () => {
        expect.step("asked for the key");
        return {
            type: "ir.actions.act_window",
            res_model: "cx.tower.command",
            res_id: 2,
            views: [[false, "form"]],
            target: "new",
        };
    });
    await mountWithCleanup(WebClient);
    await getService("action").doAction({
        type: "ir.actions.client",
        tag: "cetmix_tower_connection_test",
        target: "new",
        params: { server_id: 1 },
    });
    await waitFor(".o_tower_connection_test [data-step='host key']");
    expect(document.activeElement.closest("button")).toBe(null);
    await contains(".modal .btn-primary:contains(Show Host Key)").click();
    await waitFor(".modal .o_field_widget[name=name]");
    expect.verifySteps(["asked for the key"]);
});

test("the card of a server shows the end of its run, then polling stops", async () => {
    onRpc("cx.tower.server", "read", () => expect.step("asked"));
    await mountView({
        type: "kanban",
        resModel: "cx.tower.server",
        arch: `<kanban js_class="tower_server_kanban"><templates><t t-name="card">
            <field name="name"/><field name="last_run_state"/>
        </t></templates></kanban>`,
    });
    expect(".o_kanban_record:first").toHaveText(/running/);
    await advanceTime(2000);
    await animationFrame();
    expect(".o_kanban_record:first").toHaveText(/running/);
    MockServer.env["cx.tower.server"].write([1], { last_run_state: "done" });
    await advanceTime(2000);
    await animationFrame();
    expect(".o_kanban_record:first").toHaveText(/done/);
    expect.verifySteps(["asked", "asked"]);
    await advanceTime(4000);
    expect.verifySteps([]);
});

test("a confirmation names the values of its record", () => {
    const record = {
        data: { name: "Restart", server_id: { id: 1, display_name: "web-1" } },
        evalContext: { parent: { name: "Around" } },
    };
    expect(fillPlaceholders("{name} on {server_id} in {parent.name}", { record })).toBe(
        "Restart on web-1 in Around",
    );
    expect(fillPlaceholders("{count} files", { list: { selection: [1, 2, 3] } })).toBe("3 files");
});
