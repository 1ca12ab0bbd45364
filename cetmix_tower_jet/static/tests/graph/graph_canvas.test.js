import { mountGraph, topology } from "./graph_test_helpers";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { describe, expect, test } from "@odoo/hoot";
import { click, press, queryAll, queryOne } from "@odoo/hoot-dom";
import { advanceTime, animationFrame } from "@odoo/hoot-mock";
import { GraphItem } from "@cetmix_tower_jet/graph/graph_items";
import { patchWithCleanup } from "@web/../tests/web_test_helpers";

describe.current.tags("desktop");
defineMailModels();

const chain = (values = {}) => ({
    nodes: [1, 2, 3].map((id) => ({ id, label: `Jet ${id}`, sublabel: "Running", width: 168 })),
    edges: [
        { id: "a", from: 1, to: 2 },
        { id: "b", from: 1, to: 3, kind: "unmet" },
    ],
    isCanvas: true,
    onNodeClick: (id) => expect.step(String(id)),
    ...values,
});
const mountCanvas = (props) => mountGraph(props, { width: 800, height: 500 });
const focused = () => document.activeElement.dataset.item;
/** Scale (a) and place (e, f) of the drawing. */
const transform = () => {
    const { a, e, f } = new window.DOMMatrix(getComputedStyle(queryOne(".o_tower_graph_world")).transform);
    const svg = queryOne("svg");
    return { a: (a * Number(svg.getAttribute("width"))) / svg.viewBox.baseVal.width, e, f };
};
const near = (value, expected) => expect(Math.abs(value - expected)).toBeLessThan(0.01);
const pointer = (type, x, y, pointerId = 1) =>
    queryOne("[data-item='node 1']").dispatchEvent(
        new PointerEvent(type, { bubbles: true, clientX: x, clientY: y, pointerId, pointerType: "touch" }),
    );

test("only nodes that have changed are rendered again", async () => {
    const { nodes, edges, clusters } = topology(5, 40, 60);
    const wide = nodes.map((one) => ({ ...one, width: 168 }));
    const { props, layouts } = await mountCanvas({ nodes: wide, edges, clusters, isCanvas: true });
    const rendered = [];
    patchWithCleanup(GraphItem.prototype, {
        get classes() {
            rendered.push(this.props.item.id);
            return super.classes;
        },
    });
    props.nodes = wide.map((one) => (one.id === "jet7" ? { ...one, sublabel: "Stopped", color: 1 } : one));
    await animationFrame();
    expect(rendered).toEqual(["jet7"]);
    expect("[data-item='node jet7'] .o_tower_graph_sublabel").toHaveText("Stopped");
    expect(layouts).toHaveLength(1);
});

test("a canvas is one stop of the Tab key, the item that had the focus last", async () => {
    await mountCanvas(chain());
    const stops = () => queryAll("[data-item][tabindex='0']").map((el) => el.dataset.item);
    expect(stops()).toEqual(["node 1"]);
    expect(".o_tower_graph_world > svg").toHaveAttribute("tabindex", "-1");
    queryOne("[data-item='node 3']").focus();
    await animationFrame();
    expect(stops()).toEqual(["node 3"]);
    expect("[data-item='node 1']").toHaveAttribute("tabindex", "-1");
});

test("Shift and arrows follow edges, each in its turn; Home and End lead to the first and last node", async () => {
    await mountCanvas(chain());
    queryOne("[data-item='node 1']").focus();
    await press("ArrowRight", { shiftKey: true });
    const first = focused();
    await press("ArrowLeft", { shiftKey: true });
    expect(focused()).toBe("node 1");
    await press("ArrowRight", { shiftKey: true });
    expect([first, focused()].sort()).toEqual(["node 2", "node 3"]);
    await press("Home");
    expect(focused()).toBe("node 1");
    await press("End");
    expect(focused()).toBe(queryAll("[data-item]").at(-1).dataset.item);
    await press("Enter");
    expect.verifySteps([focused().split(" ")[1]]);
});

test("an unmet dependency has a mark on its edge", async () => {
    await mountCanvas(chain());
    expect(".o_tower_graph_line.o_unmet .o_tower_graph_mark text").toHaveText("!");
    expect(".o_tower_graph_line.o_unmet").toHaveCount(1);
});

test("marks of a node are shown, and read out", async () => {
    const nodes = [
        {
            id: 1,
            label: "Shop",
            warning: "No database",
            marks: [{ id: "waypoint", icon: "W", text: "Before the update", kind: "info" }],
        },
    ];
    await mountCanvas(chain({ nodes, edges: [] }));
    expect(queryAll("[data-item='node 1'] [data-mark]").map((el) => el.dataset.mark)).toEqual([
        "warning",
        "waypoint",
    ]);
    expect("[data-item='node 1']").toHaveAttribute("aria-label", "Shop, No database, Before the update");
});

test("one finger moves the graph, two zoom it, and neither is a click", async () => {
    await mountCanvas(chain());
    const before = transform();
    pointer("pointerdown", 100, 100);
    pointer("pointermove", 60, 130);
    expect([transform().e - before.e, transform().f - before.f]).toEqual([-40, 30]);
    pointer("pointerdown", 160, 130, 2);
    pointer("pointermove", 260, 130, 2);
    near(transform().a / before.a, 2);
    pointer("pointerup", 60, 130);
    pointer("pointerup", 260, 130, 2);
    queryOne("[data-item='node 1']").dispatchEvent(
        new MouseEvent("click", { bubbles: true, cancelable: true }),
    );
    expect.verifySteps([]);
});

test("a tap is a click", async () => {
    await mountCanvas(chain());
    pointer("pointerdown", 100, 100);
    pointer("pointermove", 101, 100);
    pointer("pointerup", 101, 100);
    queryOne("[data-item='node 1']").dispatchEvent(
        new MouseEvent("click", { bubbles: true, cancelable: true }),
    );
    expect.verifySteps(["1"]);
});

test("what was shown before is shown again, and stays when a node comes", async () => {
    const { props } = await mountCanvas(chain({ view: { scale: 0.5, x: 40, y: 30 } }));
    near(transform().a, 0.5);
    expect([transform().e, transform().f]).toEqual([40, 30]);
    const place = () => queryOne("[data-item='node 1']").getBoundingClientRect();
    const before = place();
    props.nodes = [...props.nodes, { id: 9, label: "New", width: 168 }];
    props.edges = [...props.edges, { id: "c", from: 9, to: 1 }];
    await animationFrame();
    expect(Math.abs(place().x - before.x) + Math.abs(place().y - before.y)).toBeLessThan(2);
});

test("while it is zoomed, the picture is only scaled; afterwards it is drawn sharply", async () => {
    await mountCanvas(chain());
    const width = () => Number(queryOne("svg").getAttribute("width"));
    const [drawn, scale] = [width(), transform().a];
    await click("button[title='Zoom in']");
    expect(width()).toBe(drawn);
    near(transform().a / scale, 1.25);
    await advanceTime(200);
    expect(width()).toBeGreaterThan(drawn * 1.2);
    near(transform().a / scale, 1.25);
});

test("the owner can show a node and gets what is shown", async () => {
    let handle;
    await mountCanvas(
        chain({
            view: { scale: 2, x: -3000, y: -3000 },
            setHandle: (given) => {
                handle = given;
            },
        }),
    );
    handle.show(3, true);
    expect(focused()).toBe("node 3");
    const box = queryOne(".o_tower_graph_box").getBoundingClientRect();
    const node = queryOne("[data-item='node 3']").getBoundingClientRect();
    expect(node.left).toBeGreaterThan(box.left);
    expect(node.right).toBeLessThan(box.right);
    expect(handle.view().scale).toBe(2);
});
