import { expect, test } from "@odoo/hoot";
import { queryAllTexts } from "@odoo/hoot-dom";
import { animationFrame } from "@odoo/hoot-mock";
import { contains, defineModels, fields, models, mountView, onRpc } from "@web/../tests/web_test_helpers";
import { mailModels } from "@mail/../tests/mail_test_helpers";

class Owner extends models.Model {
    _name = "owner";
    name = fields.Char();
    _records = [{ id: 1, name: "Web 1" }];
}

defineModels({ ...mailModels, Owner });

const ARCH = `<form><field name="name"/><widget name="tower_effective_values"/></form>`;

function makeRow(reference, value, values = {}) {
    return {
        reference,
        name: reference,
        value,
        raw: value,
        error: "",
        hidden: false,
        source: { scope: "global", label: "Global", model: false, id: false, value_id: 1 },
        overridden: [],
        ...values,
    };
}

async function mountForm(rows) {
    onRpc("owner", "get_effective_variable_values", () => rows);
    await mountView({ type: "form", resModel: "owner", resId: 1, arch: ARCH });
    await animationFrame();
}

test("says that no variable has a value", async () => {
    await mountForm([]);
    expect(".o_tower_effective_values").toHaveText(/No variable has a value here yet/);
});

test("values, what they override, errors and hidden values", async () => {
    await mountForm([
        makeRow("dir", "/srv/x", {
            raw: "/srv/{{ x }}",
            overridden: [{ scope: "global", label: "Global", value_id: 7, raw: "/opt" }],
        }),
        makeRow("broken", false, { raw: "{{ y }}", error: "y has no value" }),
        makeRow("secretive", false, { raw: false, hidden: true }),
    ]);
    expect(queryAllTexts(".o_tower_effective_text")).toEqual([
        "/srv/x\n/srv/{{ x }}",
        "{{ y }}\ny has no value",
        "You do not have access to this value",
    ]);
    expect(".o_tower_effective_value:first s").toHaveText("/opt");
});

test("markup in a value is text", async () => {
    await mountForm([makeRow("x", "<b class='evil'>x</b>")]);
    expect(".evil").toHaveCount(0);
});

test("of two thousand values a part is shown, and the filter searches all", async () => {
    await mountForm([...Array(2000).keys()].map((i) => makeRow(`v_${i}_`, `${i}`)));
    expect(".o_tower_effective_value").toHaveCount(100);
    await contains("input[type=search]").edit("v_1999_", { confirm: false });
    expect(".o_tower_effective_value").toHaveCount(1);
    await contains("input[type=search]").edit("no such", { confirm: false });
    expect(".o_tower_effective_value").toHaveCount(0);
    expect(".o_tower_effective_values").toHaveText(/No value matches/);
});

test("the values are read again after a save", async () => {
    let calls = 0;
    onRpc("owner", "get_effective_variable_values", () => {
        calls++;
        return [makeRow("x", `${calls}`)];
    });
    await mountView({ type: "form", resModel: "owner", resId: 1, arch: ARCH });
    await animationFrame();
    expect(".o_tower_effective_text").toHaveText("1");
    await contains("[name=name] input").edit("Web 2");
    await contains(".o_form_button_save").click();
    await animationFrame();
    await animationFrame();
    expect(Number(document.querySelector(".o_tower_effective_text").textContent.trim())).toBeGreaterThan(1);
});
