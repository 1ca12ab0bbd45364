import { jetDocument, linkDocument, topologyDocument } from "./topology_test_helpers";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { beforeEach, describe, expect, test } from "@odoo/hoot";
import { click, queryAllTexts } from "@odoo/hoot-dom";
import { advanceTime, animationFrame } from "@odoo/hoot-mock";
import {
    contains,
    defineModels,
    fields,
    getService,
    mockService,
    models,
    mountView,
    onRpc,
} from "@web/../tests/web_test_helpers";

describe.current.tags("desktop");
defineMailModels();

class Link extends models.Model {
    _name = "cx.tower.jet.dependency";
    jet_depends_on_id = fields.Many2one({ relation: "cx.tower.jet" });
}

class Jet extends models.Model {
    _name = "cx.tower.jet";
    name = fields.Char();
    jet_requires_ids = fields.One2many({ relation: "cx.tower.jet.dependency" });
    _records = [{ id: 1, name: "Shop" }];
    _views = { form: `<form><field name="name"/><widget name="tower_jet_topology"/></form>` };
}
defineModels([Link, Jet]);

let answer;
let calls;
let opened;

beforeEach(() => {
    answer = topologyDocument();
    calls = [];
    opened = [];
    onRpc("cx.tower.jet", "get_topology", ({ args, kwargs }) => {
        calls.push([args[0], kwargs.levels]);
        return answer;
    });
});

async function open() {
    mockService("action", { doAction: (action) => opened.push(action) });
    await mountView({ type: "form", resModel: "cx.tower.jet", resId: 1 });
    await animationFrame();
}

test("a jet and its neighbours; others open with a click", async () => {
    await open();
    expect(calls).toEqual([[[1], 1]]);
    expect(queryAllTexts(".o_tower_graph_node.o_current text")[0]).toBe("Shop");
    await click("[data-item='node jet_1']");
    await click("[data-item='node jet_2']");
    expect(opened.map((action) => action.res_id)).toEqual([2]);
});

test("more levels are read when they are asked for", async () => {
    await open();
    answer = topologyDocument({
        jets: [...answer.jets, jetDocument(3, { name: "Disk" })],
        links: [linkDocument(1, 2), linkDocument(2, 3)],
    });
    await contains("[data-levels='2']").click();
    await animationFrame();
    expect(calls.at(-1)).toEqual([[1], 2]);
    expect(".o_tower_graph_node").toHaveCount(3);
    expect("[data-levels='2']").toHaveAttribute("aria-pressed", "true");
});

test("a jet that changes is read again, another one is not", async () => {
    await open();
    answer.jets[1] = jetDocument(2, { name: "Database", state: "Stopped" });
    const tell = async (ids) => {
        getService("tower_jet_news").tell(ids);
        await advanceTime(100);
        await animationFrame();
        await advanceTime(500);
        await animationFrame();
    };
    await tell([77]);
    expect(calls).toHaveLength(1);
    await tell([2]);
    expect("[data-item='node jet_2'] .o_tower_graph_sublabel").toHaveText("Stopped");
});

test("a jet without dependencies has no graph", async () => {
    answer = topologyDocument({ jets: [jetDocument(1)], links: [] });
    await open();
    expect(".o_tower_graph").toHaveCount(0);
    expect(".o_form_view").toHaveCount(1);
});
