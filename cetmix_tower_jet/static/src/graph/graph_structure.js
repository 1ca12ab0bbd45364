/* What the layout depends on: ids, links and sizes of texts. Colours and states are no part of it. */
import { textMeasure, wrapText } from "./graph_text";

const FAMILY =
    'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", Arial, sans-serif';
// As in tower_graph.scss.
const FONTS = { label: `500 14px ${FAMILY}`, sublabel: `400 13px ${FAMILY}`, edge: `400 13px ${FAMILY}` };
const LINE_PX = 18;
const NODE = { maxWidth: 170, minWidth: 64, paddingX: 14, paddingY: 8, maxLines: 2 };
const EDGE = { maxWidth: 140, paddingX: 7, paddingY: 2, maxLines: 2 };
const DOT_PX = 18;
const CLUSTER_MAX_WIDTH = 260;

export const LINE_HEIGHT = LINE_PX;

let measures;

function measureFor(kind) {
    measures ||= {};
    measures[kind] ||= textMeasure(FONTS[kind]);
    return measures[kind];
}

const widest = (lines, measure) => Math.ceil(Math.max(0, ...lines.map(measure)));

function nodeShape(node) {
    if (node.isDot) {
        return { lines: [], sublines: [], width: DOT_PX, height: DOT_PX };
    }
    const maxWidth = node.width ? node.width - 2 * NODE.paddingX : NODE.maxWidth;
    const lines = wrapText(node.label, maxWidth, NODE.maxLines, measureFor("label"));
    const sublines = wrapText(node.sublabel, maxWidth, 1, measureFor("sublabel"));
    const text = Math.max(widest(lines, measureFor("label")), widest(sublines, measureFor("sublabel")));
    // A node of a fixed width has room for a second text, even if it has none at the moment.
    const sublineCount = node.width ? 1 : sublines.length;
    return {
        lines,
        sublines,
        width: node.width || Math.max(NODE.minWidth, text + 2 * NODE.paddingX),
        height: Math.max(1, lines.length + sublineCount) * LINE_PX + 2 * NODE.paddingY,
    };
}

const shapes = new WeakMap();

/** The shape of a node or edge. The same object has the same shape, so what has not changed is not measured again. */
function shapeOf(one, compute) {
    if (!shapes.has(one)) {
        shapes.set(one, compute(one));
    }
    return shapes.get(one);
}

function edgeShape(edge) {
    const lines = wrapText(edge.label, EDGE.maxWidth, EDGE.maxLines, measureFor("edge"));
    if (!lines.length) {
        return { lines, width: 0, height: 0 };
    }
    return {
        lines,
        width: widest(lines, measureFor("edge")) + 2 * EDGE.paddingX,
        height: lines.length * LINE_PX + 2 * EDGE.paddingY,
    };
}

/**
 * @param {{nodes: Object[], edges: Object[], clusters: Object[], direction: "LR"|"TB"}} graph
 * A node with a `width` keeps it whatever its texts are.
 *
 * @returns {{key: string, structure: Object, shapes: {nodes: Map, edges: Map, clusters: Map}}} `key` is the same for graphs that
 *   look the same but for colours and states; `structure` is what `layOutGraph` takes; `shapes` are wrapped texts and sizes
 */
export function graphStructure({ nodes, edges, clusters, direction }) {
    const found = {
        nodes: new Map(nodes.map((node) => [String(node.id), shapeOf(node, nodeShape)])),
        edges: new Map(edges.map((edge) => [String(edge.id), shapeOf(edge, edgeShape)])),
        clusters: new Map(
            clusters.map(({ id, label }) => {
                const lines = wrapText(label, CLUSTER_MAX_WIDTH, 1, measureFor("label"));
                return [String(id), { lines, width: widest(lines, measureFor("label")) }];
            }),
        ),
    };
    const structure = {
        direction,
        nodes: nodes.map(({ id, cluster }) => {
            const { width, height } = found.nodes.get(String(id));
            return { id: String(id), width, height, cluster: cluster === undefined ? "" : String(cluster) };
        }),
        edges: edges.map(({ id, from, to }) => {
            const { width, height } = found.edges.get(String(id));
            return {
                id: String(id),
                from: String(from),
                to: String(to),
                labelWidth: width,
                labelHeight: height,
            };
        }),
        clusters: clusters.map(({ id }) => ({
            id: String(id),
            titleWidth: found.clusters.get(String(id)).width,
        })),
    };
    // The second text of a node of a fixed width changes nothing but itself.
    const texts = nodes.map((node) => {
        const { lines, sublines } = found.nodes.get(String(node.id));
        return node.width ? [lines] : [lines, sublines];
    });
    const others = [...found.edges.values(), ...found.clusters.values()].map((shape) => shape.lines);
    return { key: JSON.stringify([structure, texts, others]), structure, shapes: found };
}
