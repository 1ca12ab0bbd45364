import { layOutGraph } from "@cetmix_tower_jet/graph/graph_layout";
import { partsOf } from "@cetmix_tower_jet/graph/graph_parts";
import { graphStructure } from "@cetmix_tower_jet/graph/graph_structure";
import { lifecycleGraph } from "@cetmix_tower_jet/graph/lifecycle_graph";
import { wrapText } from "@cetmix_tower_jet/graph/graph_text";
import { standardLifecycle, topology } from "./graph_test_helpers";
import { describe, expect, test } from "@odoo/hoot";

describe.current.tags("desktop");

const { dagre } = globalThis;
const DIRECTIONS = ["LR", "TB"];

function layOut(graph, direction = "LR") {
    const { structure } = graphStructure({ edges: [], clusters: [], ...graph, direction });
    return { ...layOutGraph(dagre, structure), structure };
}

const node = (id, values = {}) => ({ id, label: id, ...values });
const edge = (from, to, id = `${from}-${to}`, label = id) => ({ id, from, to, label });
const touch = (one, other) =>
    Math.abs(one.x - other.x) < (one.width + other.width) / 2 - 0.01 &&
    Math.abs(one.y - other.y) < (one.height + other.height) / 2 - 0.01;

/** Labels with their sizes. */
function labels({ edges, structure }) {
    return structure.edges
        .filter((one) => edges.has(one.id) && one.labelWidth)
        .map((one) => ({
            id: one.id,
            ...edges.get(one.id).label,
            width: one.labelWidth,
            height: one.labelHeight,
        }));
}

function overlaps(boxes) {
    return boxes.flatMap((one, index) =>
        boxes
            .slice(index + 1)
            .filter((other) => touch(one, other))
            .map((other) => [one.id, other.id]),
    );
}

const boxesOf = (picture) => [...picture.nodes].map(([id, box]) => ({ id, ...box }));

for (const direction of DIRECTIONS) {
    test(`the usual lifecycle: no node or label lies on another (${direction})`, () => {
        const picture = layOut(lifecycleGraph(standardLifecycle()), direction);
        expect(overlaps([...boxesOf(picture), ...labels(picture)])).toEqual([]);
        expect(picture.edges.size).toBe(8);
    });

    test(`parallel edges, edges back and loops each have their own label (${direction})`, () => {
        const edges = [
            edge("a", "b", "one"),
            edge("a", "b", "two"),
            edge("a", "b", "three"),
            edge("b", "a", "back"),
            edge("a", "a", "loop one"),
            edge("a", "a", "loop two"),
            edge("b", "b", "loop"),
        ];
        const picture = layOut({ nodes: [node("a"), node("b")], edges }, direction);
        expect(picture.edges.size).toBe(7);
        expect(new Set([...picture.edges.values()].map((one) => one.path)).size).toBe(7);
        expect(overlaps([...boxesOf(picture), ...labels(picture)])).toEqual([]);
    });

    test(`an edge to another cluster goes around the nodes in its way (${direction})`, () => {
        // as one server where a monitor watches a jet of another one, beside a database that others need
        const near = ["shop", "clone", "database", "proxy", "monitor"];
        const nodes = [
            ...near.map((id) => node(id, { cluster: "web" })),
            ...["blog", "store"].map((id) => node(id, { cluster: "db" })),
        ];
        const edges = [
            ...["shop", "clone"].flatMap((id) => [edge(id, "database"), edge(id, "proxy")]),
            edge("blog", "store"),
            edge("monitor", "blog"),
        ].map((one) => ({ ...one, label: "" }));
        const clusters = ["web", "db"].map((id) => ({ id, label: id }));
        const picture = layOut({ nodes, edges, clusters }, direction);
        const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
        path.setAttribute("d", picture.edges.get("monitor-blog").path);
        const length = path.getTotalLength();
        const points = Array.from({ length: 200 }, (_, index) =>
            path.getPointAtLength((length * index) / 199),
        );
        const met = boxesOf(picture).filter(
            ({ id, x, y, width, height }) =>
                !["monitor", "blog"].includes(id) &&
                points.some((at) => Math.abs(at.x - x) < width / 2 && Math.abs(at.y - y) < height / 2),
        );
        expect(met.map(({ id }) => id)).toEqual([]);
    });

    test(`clusters contain their nodes and lie beside each other (${direction})`, () => {
        const graph = topology(6, 30, 40);
        const picture = layOut(graph, direction);
        for (const { id, cluster } of graph.nodes) {
            const [inner, outer] = [picture.nodes.get(id), picture.clusters.get(cluster)];
            expect(Math.abs(inner.x - outer.x) + inner.width / 2).toBeLessThan(outer.width / 2);
            expect(Math.abs(inner.y - outer.y) + inner.height / 2).toBeLessThan(outer.height / 2);
        }
        expect(overlaps(boxesOf(picture))).toEqual([]);
        expect(overlaps([...picture.clusters].map(([id, box]) => ({ id, ...box })))).toEqual([]);
        expect(picture.edges.size).toBe(graph.edges.length);
    });
}

test("everything lies inside of the picture", () => {
    const picture = layOut(lifecycleGraph(standardLifecycle()));
    for (const box of [...boxesOf(picture), ...labels(picture)]) {
        expect(box.x - box.width / 2).toBeGreaterThan(0);
        expect(box.x + box.width / 2).toBeLessThan(picture.width);
        expect(box.y - box.height / 2).toBeGreaterThan(0);
        expect(box.y + box.height / 2).toBeLessThan(picture.height);
    }
});

test("one node, and ids that are words of JavaScript", () => {
    expect(layOut({ nodes: [node("only")] }).nodes.size).toBe(1);
    const words = ["constructor", "__proto__", "hasOwnProperty"];
    const picture = layOut({ nodes: words.map((id) => node(id)), edges: [edge("constructor", "__proto__")] });
    expect([...picture.nodes.keys()]).toEqual(words);
    expect(picture.edges.size).toBe(1);
});

test("an edge to a node that is not there is left out", () => {
    expect(layOut({ nodes: [node("a")], edges: [edge("a", "b")] }).edges.size).toBe(0);
});

test("colours and states are no part of what the layout depends on", () => {
    const key = (values) =>
        graphStructure({ nodes: [node("a", values)], edges: [], clusters: [], direction: "LR" }).key;
    expect(key({ color: 3, isCurrent: true, isBusy: true, warning: "Careful" })).toBe(key({}));
    expect(key({ label: "other" })).not.toBe(key({}));
});

test("texts are broken at spaces, inside of long words, and cut at the last line", () => {
    const measure = (text) => text.length;
    expect(wrapText("one two three", 7, 3, measure)).toEqual(["one two", "three"]);
    expect(wrapText("abcdefghij", 4, 3, measure)).toEqual(["abcd", "efgh", "ij"]);
    expect(wrapText("one two three four", 7, 2, measure)).toEqual(["one two", "three…"]);
    expect(wrapText("", 7, 2, measure)).toEqual([]);
    expect(wrapText(undefined, 7, 2, measure)).toEqual([]);
});

test("many clusters stand in rows, in their order", () => {
    const graph = topology(20, 200, 300);
    const { clusters, edges, width, height } = layOut(graph);
    const corners = [...clusters.values()].map((box) => [
        Math.round(box.y - box.height / 2),
        Math.round(box.x - box.width / 2),
    ]);
    const inRows = [...corners].sort(([y, x], [otherY, otherX]) => y - otherY || x - otherX);
    expect(corners).toEqual(inRows);
    expect(overlaps([...clusters].map(([id, box]) => ({ id, ...box })))).toEqual([]);
    expect(edges.size).toBe(graph.edges.length);
    const filled = [...clusters.values()].reduce((sum, box) => sum + box.width * box.height, 0);
    expect(filled / (width * height)).toBeGreaterThan(0.5);
});

test("many nodes without clusters do not overlap, and all edges are there", () => {
    const { nodes, edges } = topology(20, 200, 300);
    const picture = layOut({ nodes: nodes.map((one) => ({ ...one, cluster: undefined })), edges });
    expect(overlaps(boxesOf(picture))).toEqual([]);
    expect(picture.edges.size).toBe(edges.length);
});

test("a node of a fixed width keeps its size and place whatever its second text is", () => {
    const key = (values) =>
        graphStructure({
            nodes: [node("a", { width: 168, ...values })],
            edges: [],
            clusters: [],
            direction: "LR",
        }).key;
    expect(key({ sublabel: "Running" })).toBe(key({ sublabel: "A state with a much longer name" }));
    expect(key({ sublabel: "Running" })).toBe(key({}));
    expect(key({ label: "other" })).not.toBe(key({}));
});

test("a cluster that has not changed is not laid out again", () => {
    let count = 0;
    const counting = {
        ...dagre,
        layout(...args) {
            count++;
            return dagre.layout(...args);
        },
    };
    const graph = topology(20, 200, 300);
    const known = new Map();
    const next = (edges) => {
        const { structure } = graphStructure({ ...graph, edges, direction: "LR" });
        count = 0;
        return layOutGraph(counting, structure, known);
    };
    const first = next(graph.edges);
    expect(count).toBeGreaterThan(19);
    const again = next(graph.edges);
    expect(count).toBe(0);
    expect([...again.nodes]).toEqual([...first.nodes]);
    expect([...again.edges]).toEqual([...first.edges]);
    next([...graph.edges, edge("jet0", "jet9")]);
    expect(count).toBeWithin(1, 3); // the connected pieces of one cluster
});

test("parts are connected and small, and keep together what is linked most", () => {
    const boxes = [..."abcdef"].map((id) => ({ id }));
    const edges = ["ab", "bc", "ac", "cd", "de", "ef", "df"].map(([from, to]) => ({ from, to }));
    const ids = (parts) => parts.map((part) => part.map(({ id }) => id).join(""));
    expect(ids(partsOf(boxes, edges, 3))).toEqual(["abc", "def"]);
    expect(ids(partsOf(boxes, [], 3))).toEqual(["a", "b", "c", "d", "e", "f"]);
    expect(ids(partsOf(boxes, edges, 6))).toEqual(["abcdef"]);
});

test("time of 200 nodes and 300 edges", () => {
    const graph = topology(20, 200, 300);
    const flat = {
        ...graph,
        nodes: graph.nodes.map((one) => ({ ...one, cluster: undefined })),
        clusters: [],
    };
    for (const [name, one] of [
        ["20 clusters", graph],
        ["no clusters", flat],
    ]) {
        const times = [1, 2, 3].map(() => {
            const start = performance.now();
            layOut(one);
            return Math.round(performance.now() - start);
        });
        console.info(`Layout of 200 nodes, 300 edges, ${name}: ${times.join(", ")} ms`);
        expect(times).toHaveLength(3);
    }
});
