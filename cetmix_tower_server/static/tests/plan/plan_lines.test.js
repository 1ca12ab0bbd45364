import { expect, test } from "@odoo/hoot";
import { press, queryAllTexts } from "@odoo/hoot-dom";
import { advanceTime, animationFrame } from "@odoo/hoot-mock";
import { contains, defineModels, fields, models, mountView, onRpc } from "@web/../tests/web_test_helpers";
import { mailModels } from "@mail/../tests/mail_test_helpers";

class Plan extends models.Model {
    _name = "plan";
    line_ids = fields.One2many({ relation: "line", relation_field: "plan_id" });
    _records = [{ id: 1, line_ids: [1, 2, 3] }];
}

class Line extends models.Model {
    _name = "line";
    plan_id = fields.Many2one({ relation: "plan" });
    name = fields.Char();
    sequence = fields.Integer();
    condition = fields.Char();
    command_code = fields.Text();
    plan_run_names = fields.Text();
    note = fields.Text();
    warnings = fields.Text();
    _records = [
        {
            id: 1,
            name: "a",
            sequence: 1,
            command_code: "<b class='evil'>df</b>",
            note: "Be careful",
            warnings: "Oh",
        },
        { id: 2, name: "b", sequence: 2, plan_run_names: "1. x\n2. y" },
        { id: 3, name: "c", sequence: 3 },
    ];
    _views = { form: `<form><field name="name"/></form>` };
}

class Variable extends models.Model {
    _name = "cx.tower.variable";
    name = fields.Char();
    reference = fields.Char();
    _records = [
        { id: 1, name: "Branch", reference: "branch" },
        { id: 2, name: "Odoo Version", reference: "odoo_version" },
    ];
}

defineModels({ ...mailModels, Plan, Line, Variable });

const ARCH = `
    <form>
        <field name="line_ids" widget="tower_plan_lines">
            <list editable="bottom">
                <field name="sequence" widget="handle"/>
                <widget name="tower_line_buttons"/>
                <field name="name"/>
                <field name="condition" widget="tower_condition"/>
                <field name="command_code" column_invisible="1"/>
                <field name="plan_run_names" column_invisible="1"/>
                <field name="note" column_invisible="1"/>
                <field name="warnings" column_invisible="1"/>
            </list>
        </field>
    </form>`;

const UNFOLD = ".o_tower_line_buttons button[aria-expanded]";

async function mountPlan() {
    await mountView({ type: "form", resModel: "plan", resId: 1, arch: ARCH });
}

async function openPicker() {
    await contains(".o_data_row:eq(2) [name=condition]").click();
    await contains(".o_selected_row .o_tower_condition button").click();
    await animationFrame();
}

test("rows are numbered; only lines that run something unfold", async () => {
    await mountPlan();
    expect(queryAllTexts(".o_tower_line_buttons > span")).toEqual(["1", "2", "3"]);
    expect(UNFOLD).toHaveCount(2);
    expect(".o_tower_line_buttons .fa-exclamation-triangle").toHaveCount(1);
    expect(".o_tower_line_detail").toHaveCount(0);
});

test("unfolding shows the code as text, and hides it again", async () => {
    await mountPlan();
    await contains(`.o_data_row:eq(0) ${UNFOLD}`).click();
    expect(`.o_data_row:eq(0) ${UNFOLD}`).toHaveAttribute("aria-expanded", "true");
    expect(".o_tower_line_detail").toHaveCount(1);
    expect(".o_tower_line_detail").toHaveText(/Be careful/);
    expect(".o_tower_line_detail pre").toHaveText("<b class='evil'>df</b>");
    expect(".evil").toHaveCount(0);
    await contains(`.o_data_row:eq(1) ${UNFOLD}`).click();
    expect(".o_tower_line_detail:last").toHaveText("1. x\n2. y");
    await contains(`.o_data_row:eq(0) ${UNFOLD}`).click();
    expect(".o_tower_line_detail").toHaveCount(1);
});

test("a line opens as a form, also while it is edited in place", async () => {
    await mountPlan();
    await contains(".o_data_row:eq(2) [name=name]").click();
    await contains(".o_data_row:eq(2) [name=name] input").edit("changed", { confirm: false });
    await contains(".o_data_row:eq(2) .o_tower_line_buttons button[name=open]").click();
    await animationFrame();
    expect(".modal [name=name] input").toHaveValue("changed");
});

async function addRowAndLeaveIt(context, required) {
    onRpc("plan", "web_save", ({ args }) => {
        expect.step(args[1].line_ids.map(([, , values]) => values.name));
    });
    const arch = ARCH.replace(
        `<field name="line_ids"`,
        `<field name="line_ids" context="${context}"`,
    ).replace(`<field name="name"/>`, `<field name="name" required="${required}"/>`);
    await mountView({ type: "form", resModel: "plan", resId: 1, arch });
    await contains(".o_field_x2many_list_row_add a").click();
    expect(".o_data_row").toHaveCount(4);
    await contains(".o_form_view").click();
    await animationFrame();
}

test("a new row that is valid with its defaults is kept", async () => {
    await addRowAndLeaveIt("{'default_name': 'given'}", 1);
    expect(".o_data_row").toHaveCount(4);
    expect(".o_selected_row").toHaveCount(0);
    await contains(".o_form_button_save").click();
    expect.verifySteps([["given"]]);
});

test("a new row that is incomplete is dropped when nothing was typed", async () => {
    await addRowAndLeaveIt("{}", 1);
    expect(".o_data_row").toHaveCount(3);
});

test("the picker inserts a variable at the cursor", async () => {
    await mountPlan();
    await contains(".o_data_row:eq(2) [name=condition]").click();
    await contains(".o_selected_row [name=condition] input").edit("not  == 1", { confirm: false });
    const input = document.querySelector(".o_selected_row [name=condition] input");
    input.setSelectionRange(4, 4);
    await contains(".o_selected_row .o_tower_condition button").click();
    await animationFrame();
    await contains(".o_tower_variable_picker button:contains(odoo_version)").click();
    expect(".o_tower_variable_picker").toHaveCount(0);
    expect(".o_selected_row [name=condition] input").toHaveValue("not {{ odoo_version }} == 1");
});

test("a picked variable is saved", async () => {
    onRpc("plan", "web_save", ({ args }) => {
        expect.step(args[1].line_ids[0][2].condition);
    });
    await mountPlan();
    await openPicker();
    await contains(".o_tower_variable_picker button:contains(branch)").click();
    await contains(".o_form_button_save").click();
    expect.verifySteps(["{{ branch }}"]);
});

test("variables are found by name or reference, and chosen with the keyboard", async () => {
    await mountPlan();
    await openPicker();
    expect(".o_tower_variable_picker button").toHaveCount(16);
    await contains(".o_tower_variable_picker input").edit("version", { confirm: false });
    await advanceTime(300);
    await animationFrame();
    expect(queryAllTexts(".o_tower_variable_picker button")).toEqual(["Odoo Version\nodoo_version"]);
    await contains(".o_tower_variable_picker input").edit("server.", { confirm: false });
    await advanceTime(300);
    await animationFrame();
    await press("ArrowDown");
    await animationFrame();
    await press("Enter");
    await animationFrame();
    expect(".o_selected_row [name=condition] input").toHaveValue("{{ tower.server.reference }}");
});

test("the picker says when nothing matches and when it failed", async () => {
    await mountPlan();
    await openPicker();
    await contains(".o_tower_variable_picker input").edit("no such", { confirm: false });
    await advanceTime(300);
    await animationFrame();
    expect(".o_tower_variable_picker").toHaveText(/No variable matches/);
    onRpc("cx.tower.variable", "search_read", () => {
        throw new Error("gone");
    });
    await contains(".o_tower_variable_picker input").edit("branch", { confirm: false });
    await advanceTime(300);
    await animationFrame();
    expect(".o_tower_variable_picker .text-danger").toHaveCount(1);
});
