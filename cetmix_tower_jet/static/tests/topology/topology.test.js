import { Topology } from "@cetmix_tower_jet/topology/topology";
import { jetDocument, linkDocument, topologyDocument } from "./topology_test_helpers";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { beforeEach, describe, expect, test } from "@odoo/hoot";
import { click, edit, press, queryAll, queryAllTexts, queryOne } from "@odoo/hoot-dom";
import { advanceTime, animationFrame } from "@odoo/hoot-mock";
import {
    contains,
    getService,
    makeMockEnv,
    mockService,
    mountWithCleanup,
    onRpc,
    patchWithCleanup,
} from "@web/../tests/web_test_helpers";
import { getDefaultConfig } from "@web/views/view";
import { TowerGraph } from "@cetmix_tower_jet/graph/tower_graph";

describe.current.tags("desktop");
defineMailModels();

let answer; // what the server has
let calls; // arguments of its method, in order
let opened; // actions

beforeEach(() => {
    answer = topologyDocument();
    calls = [];
    opened = [];
    onRpc("cetmix.tower", "get_topology", ({ kwargs }) => {
        // only what has a name: the mock server adds a symbol
        const { jets, ...filters } = Object.fromEntries(Object.entries(kwargs));
        delete filters.context;
        calls.push(jets ? { ...filters, jets } : filters);
        if (answer instanceof Error) {
            throw answer;
        }
        if (!jets) {
            return answer;
        }
        const { servers, missing } = answer;
        const touches = (link) => jets.includes(link.jet_id) || jets.includes(link.needs_id);
        return {
            jets: answer.jets.filter((jet) => jets.includes(jet.id)),
            links: answer.links.filter(touches),
            missing: missing.filter((one) => jets.includes(one.jet_id)),
            servers,
        };
    });
    onRpc("cx.tower.jet", "get_empty_hint", () => "Ask a Manager to add you.");
    mockService("action", { doAction: (action) => opened.push(action) });
});

/** Opens the page. :returns what it writes into the address */
async function open(values = {}) {
    const address = {};
    const env = await makeMockEnv({ config: getDefaultConfig() });
    await mountWithCleanup(Topology, {
        env,
        props: {
            action: { params: {}, ...values.action },
            updateActionState: (state) => Object.assign(address, state),
            ...values.props,
        },
    });
    await animationFrame();
    return address;
}

async function change(ids) {
    getService("tower_jet_news").tell(ids);
    await advanceTime(100);
    await animationFrame();
    await advanceTime(500);
    await animationFrame();
    await animationFrame();
}
const node = (id) => `[data-item='node jet_${id}']`;
const names = () => queryAll(".o_tower_graph_node").map((el) => el.getAttribute("aria-label"));

test("jets, their servers, states and dependencies are shown; a click opens a jet", async () => {
    await open();
    expect(names()).toEqual(["Shop, Shop on Host A, Running", "Database, Shop on Host A, Running"]);
    expect(queryAllTexts(".o_tower_graph_cluster text")).toEqual(["Host A"]);
    expect(".o_tower_graph_line").toHaveCount(1);
    expect(".o_tower_topology_legend [data-state=Running] b").toHaveText("2");
    await click(node(2));
    expect([opened[0].res_model, opened[0].res_id]).toEqual(["cx.tower.jet", 2]);
});

test("only changed jets are read, and only their nodes change", async () => {
    let layouts = 0;
    const layOut = TowerGraph.layOut;
    patchWithCleanup(TowerGraph, {
        layOut(...args) {
            layouts++;
            return layOut(...args);
        },
    });
    await open();
    const before = queryOne(node(1));
    answer.jets[1] = jetDocument(2, { name: "Database", state: "Stopping", movement: "busy", color: 3 });
    answer.jets[0] = jetDocument(1, { name: "Shop", unmet_text: "Database: Stopping instead of Running" });
    answer.links = [linkDocument(1, 2, { is_unmet: true })];
    await change([2, 1]);
    expect(calls).toEqual([{}, { jets: [2, 1] }]);
    expect(`${node(2)}.o_busy .o_tower_graph_sublabel`).toHaveText("Stopping");
    expect(`${node(1)} [data-mark=warning]`).toHaveCount(1);
    expect(".o_tower_graph_line.o_unmet").toHaveCount(1);
    expect(".o_tower_topology_legend [data-state=Stopping] b").toHaveText("1");
    expect(queryOne(node(1))).toBe(before);
    expect(layouts).toBe(1);
});

test("a jet that is new, or gone, is read with everything else", async () => {
    await open();
    answer = topologyDocument({
        jets: [...answer.jets, jetDocument(3, { name: "Mail", server_id: 2 })],
    });
    await change([3]);
    expect(node(3)).toHaveCount(1);
    expect(queryAllTexts(".o_tower_graph_cluster text")).toEqual(["Host A", "Host B"]);
    answer = topologyDocument();
    await change([3]);
    expect(node(3)).toHaveCount(0);
});

test("a filter is a question to the server, and a part of the address", async () => {
    const address = await open();
    await contains("[data-filter=servers] input").click();
    await contains(".o_select_menu_item:contains(Host B)").click();
    await animationFrame();
    expect(calls.at(-1)).toEqual({ servers: [2] });
    expect(address.servers).toBe("2");
    await change([1]);
    expect(calls.at(-1)).toEqual({ servers: [2], jets: [1] });
    await contains(".o_tower_topology_list").click();
    expect(opened[0].domain).toEqual([["server_id", "in", [2]]]);
    await contains(".o_tower_topology_reset").click();
    await animationFrame();
    expect(calls.at(-1)).toEqual({});
    expect(address.servers).toBe(undefined);
});

test("filters and search come from the address", async () => {
    await open({ action: { params: { servers: "2", tags: "3,4", search: "data" } } });
    expect(calls).toEqual([{ servers: [2], tags: [3, 4] }]);
    expect(".o_tower_topology_search input").toHaveValue("data");
    expect(`${node(2)}.o_found`).toHaveCount(1);
});

test("what was shown before is shown again", async () => {
    const topology = { filters: { tags: [3] }, text: "shop", isLegendOpen: false };
    await open({ props: { globalState: { topology: { ...topology, view: { scale: 0.5, x: 10, y: 20 } } } } });
    expect(calls).toEqual([{ tags: [3] }]);
    expect(`${node(1)}.o_found`).toHaveCount(1);
    expect(".o_tower_topology_legend").toHaveCount(0);
    const { x, y } = queryOne(".o_tower_graph_world").getBoundingClientRect();
    const box = queryOne(".o_tower_graph_box").getBoundingClientRect();
    expect([Math.round(x - box.x), Math.round(y - box.y)]).toEqual([11, 21]); // and a border of 1 px
});

test("searching mutes what is not found, Enter goes on, Down focuses, Escape ends it", async () => {
    await open();
    await click(".o_tower_topology_search input");
    await edit("shop");
    await advanceTime(200);
    await animationFrame();
    // both are jets of the template Shop
    expect(".o_tower_topology_found").toHaveText("1 of 2");
    await press("Enter");
    await animationFrame();
    expect(".o_tower_topology_found").toHaveText("2 of 2");
    await press("ArrowDown");
    expect(document.activeElement.dataset.item).toBe("node jet_1");
    await click(".o_tower_topology_search input");
    await edit("nowhere");
    await advanceTime(200);
    await animationFrame();
    expect(".o_tower_topology_found").toHaveText("Not found");
    expect(".o_tower_graph_node.o_muted").toHaveCount(2);
    await press("Escape");
    await animationFrame();
    expect(".o_tower_graph_node.o_muted").toHaveCount(0);
});

test("without jets the page says why, and what to do", async () => {
    answer = topologyDocument({ jets: [], links: [] });
    await open();
    expect(".o_tower_topology_empty").toHaveText(/No jets yet\s+Ask a Manager to add you.\s+Launch New Jet/);
    await contains(".o_tower_topology_empty .btn-primary").click();
    expect(opened).toEqual(["cetmix_tower_jet.action_cx_tower_jet_create"]);
});

test("filters that nothing matches can be taken back", async () => {
    answer = topologyDocument({ jets: [], links: [] });
    await open({ action: { params: { tags: "3" } } });
    expect(".o_tower_topology_empty").toHaveText(/No jet matches the filters/);
    answer = topologyDocument();
    await contains(".o_tower_topology_empty .btn-primary").click();
    await animationFrame();
    expect(".o_tower_graph_node").toHaveCount(2);
});

test("more jets than are shown are counted", async () => {
    answer = topologyDocument({ total: 900, limit: 500 });
    await open();
    expect(".o_tower_topology_more").toHaveText(/^500 of 900 jets are shown/);
    await change([1, 77]);
    expect(calls.at(-1)).toEqual({ jets: [1] });
});
