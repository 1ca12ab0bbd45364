import { lifecycleGraph } from "@cetmix_tower_jet/graph/lifecycle_graph";
import { mountGraph, standardLifecycle, stateId } from "./graph_test_helpers";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { after, describe, expect, test } from "@odoo/hoot";
import { click, press, queryAll, queryAllTexts, queryFirst, queryOne } from "@odoo/hoot-dom";
import { animationFrame } from "@odoo/hoot-mock";
import { patchWithCleanup } from "@web/../tests/web_test_helpers";
import { assets } from "@web/core/assets";

describe.current.tags("desktop");
defineMailModels();

const step = (id) => expect.step(String(id));
const two = (values = {}) => ({
    nodes: [
        { id: 1, label: "Stopped" },
        { id: 2, label: "Running", color: 10 },
    ],
    edges: [{ id: "start", from: 1, to: 2, label: "Start", isClickable: true }],
    onNodeClick: step,
    onEdgeClick: step,
    ...values,
});

test("a graph without nodes says so", async () => {
    await mountGraph({ nodes: [], emptyText: "There are no jets yet." });
    expect(".o_tower_graph_empty").toHaveText("There are no jets yet.");
    expect("svg").toHaveCount(0);
});

test("without its library a graph says so, and the page stays", async () => {
    const { dagre } = globalThis;
    after(() => {
        globalThis.dagre = dagre;
    });
    globalThis.dagre = undefined;
    patchWithCleanup(assets, { loadBundle: () => Promise.reject(new Error("offline")) });
    await mountGraph(two());
    expect(".o_tower_graph_empty").toHaveText("The graph could not be loaded. Reload the page to see it.");
    expect("svg").toHaveCount(0);
});

test("one node alone", async () => {
    await mountGraph({ nodes: [{ id: 1, label: "Only" }] });
    expect(queryAllTexts(".o_tower_graph_node text")).toEqual(["Only"]);
    expect(".o_tower_graph_node").toHaveAttribute("role", "img");
});

test("states, colours and availability change without a new layout", async () => {
    const { props, layouts } = await mountGraph(lifecycleGraph(standardLifecycle()));
    const before = queryAll("[data-item]").map((el) => [el, el.getAttribute("transform")]);
    const now = standardLifecycle({ state_id: stateId("stopped") }, { Start: { is_available: true } });
    Object.assign(props, lifecycleGraph(now, { isOfJet: true }));
    await animationFrame();
    expect(".o_tower_graph_node.o_current text").toHaveText("Stopped");
    expect(".o_tower_graph_label.o_clickable text").toHaveText("Start");
    const running = standardLifecycle(
        { transit_state_id: stateId("starting") },
        { Start: { is_running: true } },
    );
    Object.assign(props, lifecycleGraph(running, { isOfJet: true }));
    await animationFrame();
    expect(".o_tower_graph_node.o_busy text").toHaveText("Running");
    expect(".o_tower_graph_line.o_active").toHaveCount(1);
    expect(layouts).toHaveLength(1);
    expect(queryAll("[data-item]").map((el) => [el, el.getAttribute("transform")])).toEqual(before);
    props.nodes = [...props.nodes, { id: "new", label: "New" }];
    await animationFrame();
    expect(layouts).toHaveLength(2);
});

test("clicks are reported with the id that was given", async () => {
    await mountGraph(two());
    await click(".o_tower_graph_node:contains(Running)");
    await click(".o_tower_graph_label:contains(Start)");
    queryFirst(".o_tower_graph_hit").dispatchEvent(new MouseEvent("click", { bubbles: true }));
    expect.verifySteps(["2", "start", "start"]);
});

test("an edge that is not clickable reports nothing and has no focus", async () => {
    const edges = [{ id: "start", from: 1, to: 2, label: "Start" }];
    await mountGraph(two({ edges }));
    await click(".o_tower_graph_label");
    queryFirst(".o_tower_graph_hit").dispatchEvent(new MouseEvent("click", { bubbles: true }));
    expect.verifySteps([]);
    expect(".o_tower_graph_label").not.toHaveAttribute("tabindex");
});

test("nodes and clickable edges are reached in reading order", async () => {
    await mountGraph(two());
    expect(queryAll("[data-item][tabindex='0']").map((el) => el.dataset.item)).toEqual([
        "node 1",
        "edge start",
        "node 2",
    ]);
});

test("Enter and Space click, arrows move, and no other key does anything", async () => {
    await mountGraph(two());
    const focused = () => document.activeElement.dataset.item;
    queryOne("[data-item='node 1']").focus();
    for (const key of ["a", "Delete", "Escape", "Backspace"]) {
        await press(key);
    }
    await press("Enter", { ctrlKey: true });
    expect.verifySteps([]);
    await press("ArrowRight");
    expect(focused()).toBe("edge start");
    await press("Enter");
    await press(" ");
    expect.verifySteps(["start", "start"]);
    await press("ArrowRight");
    expect(focused()).toBe("node 2");
    await press("ArrowRight");
    expect(focused()).toBe("node 2");
    await press("ArrowLeft");
    await press("ArrowLeft");
    expect(focused()).toBe("node 1");
    await press("Enter");
    expect.verifySteps(["1"]);
});

test("roles and names for those who cannot see it", async () => {
    const nodes = [
        { id: 1, label: "Stopped", sublabel: "Shop", isCurrent: true, warning: "No port left" },
        { id: 2, label: "Running", isBusy: true },
    ];
    await mountGraph(two({ nodes, label: "Lifecycle" }));
    expect("svg").toHaveAttribute("aria-label", "Lifecycle");
    expect("[data-item='node 1']").toHaveAttribute("role", "button");
    expect("[data-item='node 1']").toHaveAttribute("aria-label", "Stopped, Shop, current, No port left");
    expect("[data-item='node 1']").toHaveAttribute("aria-current", "true");
    expect("[data-item='node 2']").toHaveAttribute("aria-busy", "true");
    expect("[data-item='edge start']").toHaveAttribute("aria-label", "Start, Stopped to Running");
    expect(".o_tower_graph_buttons button").toHaveCount(3);
});

test("labels are text, whatever they contain", async () => {
    const label = "<img src=x onerror=alert(1)>";
    await mountGraph(
        two({
            nodes: [
                { id: 1, label, title: label },
                { id: 2, label: "{{ 1 + 1 }}" },
            ],
        }),
    );
    expect(".o_tower_graph img").toHaveCount(0);
    expect(queryAllTexts("[data-item='node 1'] text").join(" ")).toMatch(/<img src=x/);
    expect(queryAllTexts("[data-item='node 2'] text")).toEqual(["{{ 1 + 1 }}"]);
});

test("a long label is cut, and its title has all of it", async () => {
    const label = "An application whose name goes on and on ".repeat(5).trim();
    await mountGraph({ nodes: [{ id: 1, label }] });
    expect("[data-item='node 1'] text").toHaveCount(2);
    expect(queryAllTexts("[data-item='node 1'] text").at(-1)).toMatch(/…$/);
    expect(queryOne("[data-item='node 1'] > title").textContent).toBe(label);
});

test("a narrow box shows the graph from top to bottom, with text that can be read", async () => {
    const { layouts } = await mountGraph(lifecycleGraph(standardLifecycle()), { width: 400 });
    await animationFrame();
    await animationFrame();
    expect(layouts.at(-1).direction).toBe("TB");
    const svg = queryOne("svg");
    const scale = Number(svg.getAttribute("width")) / svg.viewBox.baseVal.width;
    expect(13 * scale).toBeGreaterThan(11.9);
});

test("buttons and Ctrl+wheel zoom, the wheel alone is left to the page", async () => {
    await mountGraph(lifecycleGraph(standardLifecycle()));
    const width = () => Number(queryOne("svg").getAttribute("width"));
    const wheel = (values) => {
        const ev = new WheelEvent("wheel", { deltaY: -100, bubbles: true, cancelable: true, ...values });
        queryOne(".o_tower_graph_box").dispatchEvent(ev);
        return ev.defaultPrevented;
    };
    const before = width();
    await click("button[title='Zoom in']");
    expect(width()).toBeGreaterThan(before);
    await click("button[title='Zoom out']");
    expect(Math.abs(width() - before)).toBeLessThan(2);
    expect(wheel({})).toBe(false);
    expect(Math.abs(width() - before)).toBeLessThan(2);
    expect(wheel({ ctrlKey: true })).toBe(true);
    expect(width()).toBeGreaterThan(before);
    await click("button[title='Show the whole graph']");
    expect(width()).toBeLessThan(queryOne(".o_tower_graph_box").clientWidth + 1);
});

test("dragging moves the graph and is no click", async () => {
    await mountGraph(two(), { width: 600 });
    const box = queryOne(".o_tower_graph_box");
    for (let count = 0; count < 8; count++) {
        await click("button[title='Zoom in']");
    }
    box.scrollLeft = 50;
    const target = queryOne("[data-item='node 1']");
    const event = (type, x, values = {}) =>
        target.dispatchEvent(
            new PointerEvent(type, {
                bubbles: true,
                clientX: x,
                clientY: 10,
                button: 0,
                buttons: 1,
                ...values,
            }),
        );
    event("pointerdown", 100);
    event("pointermove", 70);
    event("pointerup", 70, { buttons: 0 });
    target.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
    expect(box.scrollLeft).toBe(80);
    expect.verifySteps([]);
});
