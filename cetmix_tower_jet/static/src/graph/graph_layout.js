/* Where nodes, edges and clusters are drawn. No DOM, no state: sizes in, positions out. */
import { borderPoint, curve, roundedLine } from "./graph_curve";
import { detour } from "./graph_detour";
import { partsOf } from "./graph_parts";

const NODE_GAP = 28;
const RANK_GAP = 44;
const EDGE_GAP = 18;
const PIECE_GAP = 32;
const PARTS_GAP = 56;
const CLUSTER_GAP = 22;
const CLUSTER_PADDING = 14;
const CLUSTER_TITLE = 24;
const MARGIN = 12;
// Bundles of edges between clusters for which a way around other clusters is searched.
const MIN_ROUTED = 12;
const ROUTED_PER_BOX = 1;
// Clusters up to which edges between them decide about their places. More of them would be spread over a vast picture.
const MAX_FLOWING = 6;
// Connected boxes from which on they are laid out in parts: the library needs a second or more for some hundred of them.
const MANY_BOXES = 48;
const PART_SIZE = 14;
const LOOP_GAP = 16;
const LOOP_HALF_WIDTH = 16;
const PARALLEL_GAP = 9;
// Width of a picture divided by its height.
const ASPECT = { LR: 1.7, TB: 0.7 };

/** @returns {Map} of lists, by key */
function grouped(list, keyOf) {
    const groups = new Map();
    for (const one of list) {
        const key = keyOf(one);
        groups.has(key) ? groups.get(key).push(one) : groups.set(key, [one]);
    }
    return groups;
}

/** Groups of boxes that edges connect, in the order of their first boxes. */
function connectedPieces(boxes, edges) {
    const leader = new Map(boxes.map((box) => [box.id, box.id]));
    const find = (id) => {
        while (leader.get(id) !== id) {
            leader.set(id, leader.get(leader.get(id)));
            id = leader.get(id);
        }
        return id;
    };
    for (const edge of edges) {
        leader.set(find(edge.to), find(edge.from));
    }
    const pieces = new Map();
    for (const box of boxes) {
        const id = find(box.id);
        if (!pieces.has(id)) {
            pieces.set(id, { boxes: [], edges: [] });
        }
        pieces.get(id).boxes.push(box);
    }
    for (const edge of edges) {
        pieces.get(find(edge.from)).edges.push(edge);
    }
    return [...pieces.values()];
}

/** Layers by dagre. Its graph has keys of our own: it takes some words ("constructor") for nodes that exist. */
function layOutPiece(dagre, { boxes, edges }, direction) {
    if (boxes.length === 1) {
        const [{ id, width, height }] = boxes;
        return {
            width,
            height,
            boxes: new Map([[id, { x: width / 2, y: height / 2, width, height }]]),
            edges: new Map(),
        };
    }
    const graph = new dagre.graphlib.Graph({ multigraph: true });
    graph.setGraph({ rankdir: direction, nodesep: NODE_GAP, ranksep: RANK_GAP, edgesep: EDGE_GAP });
    const key = new Map(boxes.map((box, index) => [box.id, `n${index}`]));
    for (const { id, width, height } of boxes) {
        graph.setNode(key.get(id), { width, height });
    }
    edges.forEach(({ from, to, labelWidth, labelHeight }, index) => {
        const label = { width: labelWidth, height: labelHeight, labelpos: "c" };
        graph.setEdge(key.get(from), key.get(to), label, `e${index}`);
    });
    dagre.layout(graph);
    const { width, height } = graph.graph();
    return {
        width,
        height,
        boxes: new Map(boxes.map(({ id }) => [id, graph.node(key.get(id))])),
        edges: new Map(
            edges.map((edge, index) => {
                const { points, x, y } = graph.edge(key.get(edge.from), key.get(edge.to), `e${index}`);
                return [edge.id, { points, label: x === undefined ? null : { x, y } }];
            }),
        ),
    };
}

/** Puts rectangles into rows; the picture gets about the wanted aspect. :returns left upper corners */
function intoRows(pieces, gap, aspect) {
    const area = pieces.reduce((sum, { width, height }) => sum + (width + gap) * (height + gap), 0);
    const limit = Math.max(Math.sqrt(area * aspect), ...pieces.map(({ width }) => width));
    const corners = [];
    let [x, y, rowHeight, total] = [0, 0, 0, 0];
    for (const { width, height } of pieces) {
        if (x && x + width > limit) {
            [x, y, rowHeight] = [0, y + rowHeight + gap, 0];
        }
        corners.push({ x, y });
        x += width + gap;
        rowHeight = Math.max(rowHeight, height);
        total = Math.max(total, x - gap);
    }
    return { corners, width: total, height: y + rowHeight };
}

/** A large piece: small parts by themselves, in rows, and straight edges between them. */
function layOutInParts(dagre, { boxes, edges }, direction) {
    const parts = partsOf(boxes, edges, PART_SIZE);
    const partOf = new Map(parts.flatMap((part, index) => part.map((box) => [box.id, index])));
    const inside = grouped(edges, ({ from, to }) =>
        partOf.get(from) === partOf.get(to) ? partOf.get(from) : null,
    );
    const levels = parts.map((part, index) =>
        layOutLevel(dagre, part, inside.get(index) || [], direction, PIECE_GAP),
    );
    const { corners, width, height } = intoRows(levels, PARTS_GAP, ASPECT[direction]);
    const whole = joined(levels, corners, width, height);
    for (const edge of inside.get(null) || []) {
        whole.edges.set(edge.id, straight(whole, edge));
    }
    return whole;
}

/** Puts levels at their places in one picture. */
function joined(levels, corners, width, height) {
    const whole = { width, height, boxes: new Map(), edges: new Map() };
    levels.forEach((level, index) => {
        const move = ({ x, y }) => ({ x: x + corners[index].x, y: y + corners[index].y });
        level.boxes.forEach((box, id) => whole.boxes.set(id, { ...box, ...move(box) }));
        level.edges.forEach(({ points, label }, id) =>
            whole.edges.set(id, { points: points.map(move), label: label && move(label) }),
        );
    });
    return whole;
}

/** All boxes of one level: each connected piece by itself, the pieces in rows. */
function layOutLevel(dagre, boxes, edges, direction, gap) {
    const pieces = connectedPieces(boxes, edges).map((piece) =>
        piece.boxes.length < MANY_BOXES
            ? layOutPiece(dagre, piece, direction)
            : layOutInParts(dagre, piece, direction),
    );
    pieces.sort((one, other) => other.boxes.size - one.boxes.size); // stable: equal ones stay in their order
    const { corners, width, height } = intoRows(pieces, gap, ASPECT[direction]);
    return joined(pieces, corners, width, height);
}

/** Boxes in rows, in their order. */
function packed(boxes, direction, gap) {
    const { corners, width, height } = intoRows(boxes, gap, ASPECT[direction]);
    const centers = boxes.map((box, index) => ({
        ...box,
        x: corners[index].x + box.width / 2,
        y: corners[index].y + box.height / 2,
    }));
    return { width, height, boxes: new Map(centers.map((box) => [box.id, box])), edges: new Map() };
}

/** A node with the room that its loops need: above it, or beside it where the graph grows downwards. */
function withLoops(node, loops, direction) {
    const isDown = direction === "TB";
    const extent = loops.map((loop) => LOOP_GAP + (isDown ? loop.labelWidth : loop.labelHeight));
    const room = extent.reduce((sum, one) => sum + one, 0);
    const breadth = Math.max(0, ...loops.map((loop) => (isDown ? loop.labelHeight : loop.labelWidth)));
    return {
        ...node,
        loops,
        width: isDown ? node.width + room : Math.max(node.width, breadth),
        height: isDown ? Math.max(node.height, breadth) : node.height + room,
    };
}

/** The node inside of its box. */
function nodeInside(box, node, center, direction) {
    const { width, height } = node;
    const isDown = direction === "TB";
    return {
        x: isDown ? center.x - box.width / 2 + width / 2 : center.x,
        y: isDown ? center.y : center.y + box.height / 2 - height / 2,
        width,
        height,
    };
}

/** Loops of one node, one around the other. */
function drawLoops(node, loops, direction) {
    const isDown = direction === "TB";
    let reach = (isDown ? node.width : node.height) / 2;
    return loops.map((loop, index) => {
        const half = Math.min(LOOP_HALF_WIDTH + 14 * index, (isDown ? node.height : node.width) / 2 - 4);
        const start = (isDown ? node.width : node.height) / 2;
        reach += LOOP_GAP + (isDown ? loop.labelWidth : loop.labelHeight);
        const middle = reach - (isDown ? loop.labelWidth : loop.labelHeight) / 2;
        // (along the side of the node, away from the node)
        const at = (along, away) =>
            isDown ? { x: node.x + away, y: node.y + along } : { x: node.x + along, y: node.y - away };
        const points = [at(-half, start), at(-half, middle), at(half, middle), at(half, start)];
        return [loop.id, { ...roundedLine(points), end: points[3], label: at(0, middle) }];
    });
}

/** One edge between two clusters (or nodes outside) stands for all edges between their nodes. */
function bundled(edges, outerOf) {
    const bundles = new Map();
    for (const edge of edges) {
        const [from, to] = [outerOf(edge.from), outerOf(edge.to)];
        const id = JSON.stringify([from, to]);
        if (!bundles.has(id)) {
            bundles.set(id, { id, from, to, labelWidth: 0, labelHeight: 0, edges: [] });
        }
        const bundle = bundles.get(id);
        bundle.labelWidth = Math.max(bundle.labelWidth, edge.labelWidth);
        bundle.labelHeight += edge.labelHeight;
        bundle.edges.push(edge);
    }
    return [...bundles.values()];
}

/** The way of a bundle that goes straight from one box to the other. */
function straight(level, { from, to }) {
    const [start, end] = [level.boxes.get(from), level.boxes.get(to)];
    const label = { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 };
    return { points: [borderPoint(start, end), label, borderPoint(end, start)], label };
}

class Layout {
    constructor(dagre, { nodes, edges, clusters, direction }, knownLevels) {
        this.dagre = dagre;
        this.knownLevels = knownLevels;
        this.direction = direction;
        this.nodes = new Map(nodes.map((node) => [node.id, node]));
        const known = edges.filter((edge) => this.nodes.has(edge.from) && this.nodes.has(edge.to));
        this.loops = grouped(
            known.filter((edge) => edge.from === edge.to),
            (edge) => edge.from,
        );
        this.boxes = new Map(
            nodes.map((node) => [node.id, withLoops(node, this.loopsOf(node.id), direction)]),
        );
        this.members = grouped(nodes, (node) => node.cluster);
        this.clusters = new Map();
        for (const cluster of clusters.filter(({ id }) => this.members.has(id))) {
            this.clusters.set(cluster.id, cluster);
        }
        const lines = known.filter((edge) => edge.from !== edge.to);
        this.inside = lines.filter((edge) => this.isInside(edge));
        this.free = lines.filter((edge) => !this.clusterOf(edge.from) && !this.clusterOf(edge.to));
        const others = new Set([...this.inside, ...this.free]);
        this.bundles = bundled(
            lines.filter((edge) => !others.has(edge)),
            (id) => this.outerKey(id),
        );
        this.picture = { width: 0, height: 0, nodes: new Map(), edges: new Map(), clusters: new Map() };
    }

    loopsOf(id) {
        return this.loops.get(id) || [];
    }

    clusterOf(id) {
        return this.clusters.get(this.nodes.get(id).cluster);
    }

    isInside(edge) {
        const cluster = this.clusterOf(edge.from);
        return Boolean(cluster) && cluster === this.clusterOf(edge.to);
    }

    /** What stands for a node at the outer level: its cluster or, outside of clusters, the node itself. */
    outerKey(id) {
        const cluster = this.clusterOf(id);
        return cluster ? `c:${cluster.id}` : `n:${id}`;
    }

    compute() {
        this.layOutClusters();
        const gap = this.clusters.size ? CLUSTER_GAP : PIECE_GAP;
        const free = this.free.map((edge) => ({
            ...edge,
            id: `e:${edge.id}`,
            from: `n:${edge.from}`,
            to: `n:${edge.to}`,
        }));
        const boxes = this.outerBoxes();
        const isPacked = this.clusters.size > MAX_FLOWING && !free.length;
        const outer = isPacked
            ? packed(boxes, this.direction, gap)
            : layOutLevel(this.dagre, boxes, [...this.routed(boxes.length), ...free], this.direction, gap);
        this.picture.width = outer.width + 2 * MARGIN;
        this.picture.height = outer.height + 2 * MARGIN;
        const shifted = ({ x, y }) => ({ x: x + MARGIN, y: y + MARGIN });
        this.placeNodes(outer, shifted);
        this.drawEdges(outer, shifted);
        return this.picture;
    }

    /** The bundles that get a way around the clusters: not all where there are many, because that takes long. */
    routed(boxCount) {
        const heaviest = [...this.bundles].sort((one, other) => other.edges.length - one.edges.length);
        return heaviest.slice(0, Math.max(MIN_ROUTED, Math.round(boxCount * ROUTED_PER_BOX)));
    }

    /** Each cluster by itself: dagre's own clusters take many times as long. */
    layOutClusters() {
        const edges = grouped(this.inside, (edge) => this.clusterOf(edge.from).id);
        const before = new Map(this.knownLevels);
        this.knownLevels.clear();
        this.levels = new Map();
        for (const id of this.clusters.keys()) {
            const boxes = this.members.get(id).map((node) => this.boxes.get(node.id));
            const key = JSON.stringify([this.direction, boxes, edges.get(id)]);
            const level =
                before.get(key) ||
                layOutLevel(this.dagre, boxes, edges.get(id) || [], this.direction, PIECE_GAP / 2);
            this.knownLevels.set(key, level);
            this.levels.set(id, { ...level });
        }
    }

    outerBoxes() {
        const clusters = [...this.clusters.values()].map(({ id, titleWidth }) => ({
            id: `c:${id}`,
            width: Math.max(this.levels.get(id).width, titleWidth) + 2 * CLUSTER_PADDING,
            height: this.levels.get(id).height + 2 * CLUSTER_PADDING + CLUSTER_TITLE,
        }));
        const nodes = [...this.boxes.values()].filter((box) => !this.clusterOf(box.id));
        return [...clusters, ...nodes.map((box) => ({ ...box, id: `n:${box.id}` }))];
    }

    placeNodes(outer, shifted) {
        for (const { id, width, height } of this.outerBoxes()) {
            const center = shifted(outer.boxes.get(id));
            if (id.startsWith("n:")) {
                this.placeNode(id.slice(2), center);
                continue;
            }
            const level = this.levels.get(id.slice(2));
            const left = center.x - level.width / 2;
            const top = center.y - height / 2 + CLUSTER_PADDING + CLUSTER_TITLE;
            level.move = ({ x, y }) => ({ x: x + left, y: y + top });
            this.picture.clusters.set(id.slice(2), { ...center, width, height });
            level.boxes.forEach((point, nodeId) => this.placeNode(nodeId, level.move(point)));
        }
    }

    placeNode(id, center) {
        const node = nodeInside(this.boxes.get(id), this.nodes.get(id), center, this.direction);
        this.picture.nodes.set(id, node);
        for (const [loopId, loop] of drawLoops(node, this.loopsOf(id), this.direction)) {
            this.picture.edges.set(loopId, loop);
        }
    }

    drawEdges(outer, shifted) {
        for (const edge of this.inside) {
            const level = this.levels.get(this.clusterOf(edge.from).id);
            const { points, label } = level.edges.get(edge.id);
            this.draw(edge, points.map(level.move), label && level.move(label));
        }
        for (const edge of this.free) {
            const { points, label } = outer.edges.get(`e:${edge.id}`);
            this.draw(edge, points.map(shifted), label && shifted(label));
        }
        for (const bundle of this.bundles) {
            const { points, label } = outer.edges.get(bundle.id) || straight(outer, bundle);
            this.drawBundle(bundle, points.map(shifted), label && shifted(label));
        }
    }

    /** Edges of a bundle run side by side, with their labels one below the other. */
    drawBundle(bundle, points, label) {
        let used = -bundle.labelHeight / 2;
        bundle.edges.forEach((edge, index) => {
            const offset = (index - (bundle.edges.length - 1) / 2) * PARALLEL_GAP;
            const axis = this.direction === "TB" ? "x" : "y";
            const line = points.map((point) => ({ ...point, [axis]: point[axis] + offset }));
            const center = label &&
                edge.labelHeight && { x: label.x, y: label.y + used + edge.labelHeight / 2 };
            used += edge.labelHeight;
            const way = [
                ...this.pastNeighbours(edge.from, line[0]),
                ...line,
                ...this.pastNeighbours(edge.to, line.at(-1)).reverse(),
            ];
            this.draw(edge, [way[0], ...way, way.at(-1)], center);
        });
    }

    /** How a line comes from a node to the border of its cluster without seeming to belong to another node. */
    pastNeighbours(id, point) {
        const cluster = this.clusterOf(id);
        const others = (cluster ? this.members.get(cluster.id) : []).filter((node) => node.id !== id);
        const boxes = others.map((node) => this.picture.nodes.get(node.id));
        return detour(this.picture.nodes.get(id), point, boxes, this.direction === "TB");
    }

    /** The line of an edge: from border to border of its nodes, through the points that were found for it. */
    draw(edge, points, label) {
        const [from, to] = [this.picture.nodes.get(edge.from), this.picture.nodes.get(edge.to)];
        const halfway = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
        const inner = points.length > 2 ? points.slice(1, -1) : [halfway];
        const line = [borderPoint(from, inner[0]), ...inner, borderPoint(to, inner.at(-1))];
        this.picture.edges.set(edge.id, {
            ...curve(line, this.direction === "TB" ? "y" : "x"),
            end: line.at(-1),
            label: label || inner[Math.floor(inner.length / 2)],
        });
    }
}

/**
 * Computes the picture of a graph. Edges to unknown nodes are left out.
 *
 * @param {Object} dagre the library
 * @param {Object} structure
 * @param {{id: string, width: number, height: number, cluster?: string}[]} structure.nodes
 * @param {{id: string, from: string, to: string, labelWidth: number, labelHeight: number}[]} structure.edges
 * @param {{id: string, titleWidth: number}[]} structure.clusters
 * @param {"LR"|"TB"} structure.direction
 * @param {Map} [knownLevels] clusters of the layout before, which are not laid out again if they are the same; it gets those of this one
 * @returns {{width: number, height: number, nodes: Map, edges: Map, clusters: Map}} by id. Nodes and clusters: centre and
 *   size; edges: the `d` of a path, the point and angle (radians) of its arrow, the centre of its label
 */
export function layOutGraph(dagre, structure, knownLevels = new Map()) {
    return new Layout(dagre, structure, knownLevels).compute();
}
