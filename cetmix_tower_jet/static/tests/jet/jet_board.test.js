import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { describe, expect, test } from "@odoo/hoot";
import { click, queryAllTexts, queryFirst, queryOne, waitFor } from "@odoo/hoot-dom";
import { advanceTime, animationFrame, Deferred } from "@odoo/hoot-mock";
import {
    contains,
    defineModels,
    fields,
    getService,
    MockServer,
    models,
    mountView,
    onRpc,
    toggleMenuItem,
    toggleSearchBarMenu,
} from "@web/../tests/web_test_helpers";

describe.current.tags("desktop");
defineMailModels();

class State extends models.Model {
    _name = "cx.tower.jet.state";
    name = fields.Char();
    _records = [
        { id: 1, name: "Stopped" },
        { id: 2, name: "Starting" },
        { id: 3, name: "Running" },
    ];
}

class Action extends models.Model {
    _name = "cx.tower.jet.action";
    name = fields.Char();
    _records = [
        { id: 7, name: "Start" },
        { id: 8, name: "Remove" },
        { id: 9, name: "Check" },
    ];
}

const BOARD = `<kanban js_class="tower_jet_board" default_group_by="state_id" records_draggable="0">
        <field name="movement"/><field name="sequence"/>
        <progressbar field="movement" colors='{"busy": "info", "problem": "danger", "idle": "success"}'/>
        <templates><t t-name="card">
            <div class="card_name"><field name="name"/></div>
            <field name="action_available_ids" widget="tower_jet_actions" options="{'shown': 2, 'small': True}"/>
        </t></templates></kanban>`;

class Jet extends models.Model {
    _name = "cx.tower.jet";
    name = fields.Char();
    note = fields.Char();
    sequence = fields.Integer();
    may_stop = fields.Boolean();
    state_id = fields.Many2one({ relation: "cx.tower.jet.state" });
    movement = fields.Selection({
        selection: [
            ["idle", "Idle"],
            ["busy", "Busy"],
            ["problem", "Needs attention"],
        ],
    });
    action_available_ids = fields.Many2many({ relation: "cx.tower.jet.action" });
    _records = ["Alpha", "Beta", "Gamma", "Delta"].map((name, index) => ({
        id: index + 1,
        name,
        state_id: index < 3 ? 1 : 3,
        movement: "idle",
        action_available_ids: index < 3 ? [7, 8, 9] : [],
    }));
    _views = {
        kanban: BOARD,
        form: `<form js_class="tower_jet_form">
            <field name="name"/><field name="note"/><field name="state_id" readonly="1"/><field name="movement" readonly="1"/>
        </form>`,
    };
}
defineModels([State, Action, Jet]);

const column = (name) => `.o_kanban_group:has(.o_column_title:contains(${name}))`;
const cards = (name) => queryAllTexts(`${column(name)} .o_kanban_record .card_name`);

/** Changes jets on the server and announces them. */
async function change(ids, values) {
    MockServer.env["cx.tower.jet"].write(ids, values);
    getService("tower_jet_news").tell(ids);
    await advanceTime(300);
    await animationFrame();
    await advanceTime(3000); // the pause after a read, and animated numbers
    await animationFrame();
}

const EMPTY = {
    __count: 0,
    __records: [],
    __extra_domain: [["state_id", "=", 2]],
    state_id: [2, "Starting"],
};

/** Opens the board with a column for each state, as the server sends it. */
function openBoard() {
    onRpc("cx.tower.jet", "web_read_group", ({ parent }) => {
        const result = parent();
        result.groups.splice(1, 0, EMPTY);
        result.length++;
        return result;
    });
    return mountView({ type: "kanban", resModel: "cx.tower.jet" });
}

test("empty columns are folded, and open when a jet gets there", async () => {
    await openBoard();
    expect(`${column("Starting")}.o_column_folded`).toHaveCount(1);
    await change([2], { state_id: 2, movement: "busy" });
    expect(`${column("Starting")}.o_column_folded`).toHaveCount(0);
    expect(cards("Starting")).toEqual(["Beta"]);
    expect(cards("Stopped")).toEqual(["Alpha", "Gamma"]);
});

test("columns that a filter emptied open again without it", async () => {
    const emptied = { ...EMPTY, state_id: [1, "Stopped"], __extra_domain: [["state_id", "=", 1]] };
    onRpc("cx.tower.jet", "web_read_group", ({ parent }) => {
        const result = parent();
        return result.groups.length ? result : { ...result, groups: [emptied], length: 1 };
    });
    await mountView({
        type: "kanban",
        resModel: "cx.tower.jet",
        arch: BOARD,
        searchViewArch: `<search><filter name="busy" string="Busy" domain="[('movement', '=', 'busy')]"/></search>`,
    });
    await toggleSearchBarMenu();
    await toggleMenuItem("Busy");
    expect(`${column("Stopped")}.o_column_folded`).toHaveCount(1);
    await toggleMenuItem("Busy");
    await animationFrame();
    expect(`${column("Stopped")}.o_column_folded`).toHaveCount(0);
    expect(cards("Stopped")).toEqual(["Alpha", "Beta", "Gamma"]);
});

test("a column folds when the last jet leaves it, and takes part again afterwards", async () => {
    await openBoard();
    await change([2], { state_id: 2, movement: "busy" });
    await change([2], { state_id: 3, movement: "idle" });
    expect(`${column("Starting")}.o_column_folded`).toHaveCount(1);
    expect(cards("Running")).toEqual(["Beta", "Delta"]);
    await change([4], { state_id: 2, movement: "busy" });
    expect(`${column("Starting")}.o_column_folded`).toHaveCount(0);
    expect(cards("Starting")).toEqual(["Delta"]);
});

test("a column folds although its jet has moved on between the read of the card and that of the number", async () => {
    await openBoard();
    onRpc("cx.tower.jet", "web_search_read", ({ parent }) => {
        const result = parent();
        MockServer.env["cx.tower.jet"].write([2], { state_id: 3 });
        return result;
    });
    await change([2], { state_id: 2, movement: "busy" });
    await change([2], { movement: "idle" });
    expect(`${column("Starting")}.o_column_folded`).toHaveCount(1);
    expect(cards("Running")).toEqual(["Beta", "Delta"]);
});

test("a column opens although its number was read before its first card", async () => {
    await openBoard();
    onRpc("cx.tower.jet", "web_search_read", ({ parent }) => {
        const result = parent();
        MockServer.env["cx.tower.jet"].write([2], { state_id: 2 });
        return result;
    });
    await change([2], { movement: "busy" });
    await change([2], { movement: "idle" });
    expect(`${column("Starting")}.o_column_folded`).toHaveCount(0);
    expect(cards("Starting")).toEqual(["Beta"]);
});

test("a card moves to where the order wants it, and the others stay the same elements", async () => {
    await openBoard();
    const alpha = queryFirst(`${column("Stopped")} .o_kanban_record`);
    await change([2], { state_id: 3 });
    expect(cards("Running")).toEqual(["Beta", "Delta"]);
    expect(queryFirst(`${column("Stopped")} .o_kanban_record`)).toBe(alpha);
});

test("counts of columns follow", async () => {
    await openBoard();
    await change([1, 2], { state_id: 3, movement: "problem" });
    await waitFor(`${column("Running")} .o_animated_number:contains(3)`);
    await waitFor(`${column("Stopped")} .o_animated_number:contains(1)`);
});

test("the numbers of the search panel follow, and the board is not read again for that", async () => {
    onRpc("cx.tower.jet", "web_read_group", () => expect.step("whole board"));
    await mountView({
        type: "kanban",
        resModel: "cx.tower.jet",
        arch: Jet._views.kanban,
        searchViewArch: `<search><searchpanel><field name="state_id" enable_counters="1"/></searchpanel></search>`,
    });
    const numbers = () => queryAllTexts(".o_search_panel_counter");
    expect(numbers()).toEqual(["3", "1"]);
    expect.verifySteps(["whole board"]);
    await change([1, 2], { state_id: 3 });
    expect(numbers()).toEqual(["1", "3"]);
    expect.verifySteps([]);
});

test("one read for all jets that have changed", async () => {
    onRpc("cx.tower.jet", "web_search_read", () => expect.step("read"));
    onRpc("cx.tower.jet", "web_read_group", () => expect.step("whole board"));
    await mountView({ type: "kanban", resModel: "cx.tower.jet" });
    expect.verifySteps(["whole board"]);
    await change([1, 2, 3], { movement: "busy" });
    expect.verifySteps(["read"]);
});

test("a jet that leaves the view goes, one that enters comes", async () => {
    await mountView({
        type: "kanban",
        resModel: "cx.tower.jet",
        domain: [["movement", "!=", "problem"]],
    });
    await change([1], { movement: "problem" });
    expect(cards("Stopped")).toEqual(["Beta", "Gamma"]);
    await change([1], { movement: "idle" });
    expect(cards("Stopped")).toEqual(["Alpha", "Beta", "Gamma"]);
});

test("a focused card keeps the focus when it moves, an open menu of another card stays", async () => {
    await openBoard();
    queryFirst(`${column("Stopped")} .o_kanban_record`).focus();
    await change([1], { state_id: 3 });
    expect(document.activeElement).toHaveText(/Alpha/);
    await contains(`${column("Stopped")} .o_tower_jet_more:first`).click();
    await change([3], { state_id: 3 });
    expect(".o-dropdown--menu").toHaveCount(1);
});

test("a button asks what it would do; only then the action is triggered", async () => {
    onRpc("cx.tower.jet", "describe_action", ({ args }) => {
        expect.step(`describe ${args}`);
        return "It starts “Alpha”.\nIt is needed by nobody.";
    });
    onRpc("cx.tower.jet.action", "trigger", ({ args, kwargs }) => {
        expect.step(`trigger ${args} ${kwargs.jet}`);
        return { state: "running", transition: 1, message: "" };
    });
    await openBoard();
    expect(queryAllTexts(`${column("Stopped")} .o_kanban_record:first [data-action]`)).toEqual([
        "Start",
        "Remove",
    ]);
    await contains(`${column("Stopped")} [data-action='7']:first`).click();
    expect(".modal-body").toHaveText("It starts “Alpha”.\nIt is needed by nobody.");
    expect.verifySteps(["describe 1,7"]);
    await contains(".modal .btn-secondary").click();
    expect.verifySteps([]);
    await click(`${column("Stopped")} [data-action='7']:first`);
    await click(`${column("Stopped")} [data-action='7']:first`); // a double click
    await animationFrame();
    expect(".modal").toHaveCount(1);
    await contains(".modal .btn-primary:contains(Start)").click();
    expect.verifySteps(["describe 1,7", "trigger 7 1"]);
});

test("the form follows, and what is being typed stays", async () => {
    await mountView({ type: "form", resModel: "cx.tower.jet", resId: 1 });
    await contains("[name=note] input").edit("half a sen", { confirm: false });
    await change([1], { state_id: 3, movement: "busy", name: "Alpha 2" });
    expect("[name=state_id]").toHaveText("Running");
    expect("[name=name] input").toHaveValue("Alpha 2");
    expect("[name=note] input").toHaveValue("half a sen");
    await contains("[name=note] input").edit("a sentence", { confirm: "blur" });
    await change([1], { state_id: 1, movement: "idle" });
    expect("[name=state_id]").toHaveText("Stopped");
    expect("[name=note] input").toHaveValue("a sentence");
    expect(".o_form_button_save").toBeVisible();
    queryOne(".o_form_button_save").click();
    await animationFrame();
    expect(MockServer.env["cx.tower.jet"].browse(1)[0].note).toBe("a sentence");
});

test("what is saved while the form is read again stays", async () => {
    await mountView({ type: "form", resModel: "cx.tower.jet", resId: 1 });
    const slow = new Deferred();
    onRpc("cx.tower.jet", "web_read", async ({ parent }) => {
        const read = parent();
        await slow;
        return read;
    });
    await change([1], { state_id: 3 });
    await contains("[name=note] input").edit("saved meanwhile", { confirm: "blur" });
    await contains(".o_form_button_save").click();
    slow.resolve();
    await animationFrame();
    expect("[name=note] input").toHaveValue("saved meanwhile");
    expect("[name=state_id]").toHaveText("Running");
});

test("a form does not read other jets", async () => {
    onRpc("cx.tower.jet", "web_read", () => expect.step("read"));
    await mountView({ type: "form", resModel: "cx.tower.jet", resId: 1 });
    expect.verifySteps(["read"]);
    await change([2], { state_id: 3 });
    expect.verifySteps([]);
});
