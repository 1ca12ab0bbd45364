import {
    Component,
    onMounted,
    onWillStart,
    onWillUpdateProps,
    onWillUnmount,
    useRef,
    useState,
} from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";

import { layOutGraph } from "./graph_layout";
import { loadGraphLibrary } from "./graph_library";
import { graphStructure, LINE_HEIGHT } from "./graph_structure";
import { useGraphViewport } from "./use_graph_viewport";

const NARROW_PX = 560;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const ASIDE = 2.5;

const node = {
    type: Object,
    shape: {
        id: [String, Number],
        label: String,
        sublabel: { type: [String, { value: false }], optional: true },
        color: { type: [Number, String], optional: true },
        isCurrent: { type: Boolean, optional: true },
        isMuted: { type: Boolean, optional: true },
        isBusy: { type: Boolean, optional: true },
        isDot: { type: Boolean, optional: true },
        warning: { type: [String, { value: false }], optional: true },
        cluster: { type: [String, Number], optional: true },
        title: { type: [String, { value: false }], optional: true },
    },
};
const edge = {
    type: Object,
    shape: {
        id: [String, Number],
        from: [String, Number],
        to: [String, Number],
        label: { type: [String, { value: false }], optional: true },
        isClickable: { type: Boolean, optional: true },
        isActive: { type: Boolean, optional: true },
        isMuted: { type: Boolean, optional: true },
        title: { type: [String, { value: false }], optional: true },
        kind: { type: [{ value: "normal" }, { value: "error" }], optional: true },
    },
};

/**
 * A graph of nodes, edges between them, and clusters of nodes. It only reports clicks: what they do is up to its owner.
 *
 * The layout is computed when ids, links or texts change. Everything else (colours, current, busy, active ...) only changes
 * attributes, so a graph can be given new data as often as they come.
 *
 * Props: `color` of a node is an index of Odoo's colours (0 to 11) or a CSS class that sets `--tower-graph-color`. `warning` is a text
 * that a badge shows. `isDot` is a small dot without text, for a start or an end. `direction` is "LR" or "TB"; a narrow box is always "TB".
 * `label` names the graph for screen readers.
 */
export class TowerGraph extends Component {
    static template = "cetmix_tower_jet.TowerGraph";
    static props = {
        nodes: { type: Array, element: node },
        edges: { type: Array, element: edge, optional: true },
        clusters: {
            type: Array,
            element: { type: Object, shape: { id: [String, Number], label: String } },
            optional: true,
        },
        direction: { type: [{ value: "LR" }, { value: "TB" }], optional: true },
        onNodeClick: { type: Function, optional: true },
        onEdgeClick: { type: Function, optional: true },
        emptyText: { type: String, optional: true },
        label: { type: String, optional: true },
    };
    static defaultProps = { edges: [], clusters: [], direction: "LR" };
    static layOut = layOutGraph;

    setup() {
        this.lineHeight = LINE_HEIGHT;
        this.root = useRef("root");
        this.box = useRef("box");
        this.state = useState({ isNarrow: false, lit: null });
        this.layout = null;
        this.viewport = useGraphViewport(this.box, {
            getSize: () => this.layout || { width: 1, height: 1 },
            getFocusPoint: () => this.focusPoint,
            getLayout: () => this.layout,
        });
        onWillStart(async () => {
            try {
                this.library = await loadGraphLibrary();
            } catch (error) {
                // the page around the graph works without it
                console.warn("The library that lays out graphs could not be loaded.", error);
            }
            this.prepare(this.props);
        });
        onWillUpdateProps((props) => this.prepare(props));
        onMounted(() => this.watchWidth());
        onWillUnmount(() => this.resizeObserver?.disconnect());
    }

    /** What stands in the place of a graph. */
    get textWithoutGraph() {
        return this.library
            ? this.props.emptyText || ""
            : _t("The graph could not be loaded. Reload the page to see it.");
    }

    // -- layout

    watchWidth() {
        this.resizeObserver = new ResizeObserver(() => this.takeWidth());
        this.resizeObserver.observe(this.root.el);
        this.takeWidth();
    }

    takeWidth() {
        const width = this.root.el?.clientWidth;
        const isNarrow = Boolean(width) && width < NARROW_PX;
        if (isNarrow !== this.state.isNarrow) {
            this.state.isNarrow = isNarrow;
            this.prepare(this.props);
            this.render();
        }
    }

    /** Computes the layout, if what it depends on has changed, and what is drawn with it. */
    prepare({ nodes, edges, clusters, direction }) {
        if (!this.library) {
            nodes = edges = [];
        }
        const wanted = this.state.isNarrow ? "TB" : direction;
        const { key, structure, shapes } = graphStructure({ nodes, edges, clusters, direction: wanted });
        if (key !== this.key) {
            this.key = key;
            this.layout = nodes.length ? this.constructor.layOut(this.library, structure) : null;
            this.shapes = shapes;
        }
        this.drawnNodes = nodes.map((one) => this.drawNode(one));
        this.drawnEdges = edges
            .filter((one) => this.layout?.edges.has(String(one.id)))
            .map((one) => this.drawEdge(one, nodes));
        this.drawnClusters = clusters
            .filter((one) => this.layout?.clusters.has(String(one.id)))
            .map((one) => this.drawCluster(one));
        this.items = this.inReadingOrder(wanted);
    }

    inReadingOrder(direction) {
        const [first, second] = direction === "TB" ? ["y", "x"] : ["x", "y"];
        const items = [
            ...this.drawnNodes,
            ...this.drawnEdges.filter((one) => one.lines.length || one.isClickable),
        ];
        return items.sort((one, other) => one[first] - other[first] || one[second] - other[second]);
    }

    get focusPoint() {
        const wanted = this.drawnNodes.find((one) => one.isCurrent || one.isBusy) || this.items[0];
        return wanted || { x: 0, y: 0 };
    }

    // -- what is drawn

    drawNode(one) {
        const shape = this.shapes.nodes.get(String(one.id));
        const place = this.layout.nodes.get(String(one.id));
        const states = [one.isCurrent && _t("current"), one.isBusy && _t("in progress"), one.warning];
        const words = [one.label || one.title, one.sublabel, ...states].filter(Boolean);
        return {
            ...one,
            ...shape,
            ...place,
            kind: "node",
            key: `node ${one.id}`,
            name: words.join(", "),
            tooltip: [one.title || one.label, one.sublabel, one.warning].filter(Boolean).join("\n"),
            classes: this.nodeClasses(one),
        };
    }

    nodeClasses(one) {
        const color = typeof one.color === "string" ? one.color : `o_tower_graph_color_${one.color || 0}`;
        return {
            [color]: true,
            o_current: one.isCurrent,
            o_busy: one.isBusy,
            o_muted: one.isMuted,
            o_dot: one.isDot,
            o_clickable: this.props.onNodeClick && !one.isDot,
        };
    }

    drawEdge(one, nodes) {
        const shape = this.shapes.edges.get(String(one.id));
        const { path, end, angle, label } = this.layout.edges.get(String(one.id));
        const nameOf = (id) => {
            const found = nodes.find((other) => String(other.id) === String(id));
            return found.label || found.title || "";
        };
        const way = _t("%(from)s to %(to)s", { from: nameOf(one.from), to: nameOf(one.to) });
        const words = [one.label || one.title, way, one.isActive && _t("in progress")];
        return {
            ...one,
            ...shape,
            x: label.x,
            y: label.y,
            path,
            arrow: `translate(${end.x} ${end.y}) rotate(${(angle * 180) / Math.PI})`,
            kind: "edge",
            key: `edge ${one.id}`,
            name: words.filter(Boolean).join(", "),
            tooltip: one.title || one.label || way,
            classes: {
                o_active: one.isActive,
                o_muted: one.isMuted,
                o_error: one.kind === "error",
                o_clickable: one.isClickable,
            },
        };
    }

    drawCluster(one) {
        const shape = this.shapes.clusters.get(String(one.id));
        return { ...one, ...this.layout.clusters.get(String(one.id)), title: shape.lines.join(" ") };
    }

    /** Height of the first line of texts around a centre. */
    firstLine(count) {
        return (-(count - 1) * LINE_HEIGHT) / 2;
    }

    isButton(item) {
        return item.kind === "node"
            ? Boolean(this.props.onNodeClick) && !item.isDot
            : Boolean(item.isClickable);
    }

    isFocusable(item) {
        return item.kind === "node" ? !item.isDot : Boolean(item.isClickable);
    }

    // -- what people do

    click(item) {
        if (this.isButton(item)) {
            (item.kind === "node" ? this.props.onNodeClick : this.props.onEdgeClick)?.(item.id);
        }
    }

    onKeydown(ev, item) {
        if (ev.altKey || ev.ctrlKey || ev.metaKey || ev.shiftKey) {
            return;
        }
        if (ev.key in ARROWS) {
            ev.preventDefault();
            this.focusNeighbour(item, ARROWS[ev.key]);
        } else if ((ev.key === "Enter" || ev.key === " ") && this.isButton(item)) {
            ev.preventDefault();
            if (!ev.repeat) {
                this.click(item);
            }
        }
    }

    /** The nearest node or clickable edge that lies in a direction. */
    focusNeighbour(item, [dx, dy]) {
        let best = null;
        for (const other of this.items) {
            const along = (other.x - item.x) * dx + (other.y - item.y) * dy;
            const aside = Math.abs((other.x - item.x) * dy) + Math.abs((other.y - item.y) * dx);
            const cost = along + ASIDE * aside;
            if (this.isFocusable(other) && along > 1 && (!best || cost < best.cost)) {
                best = { cost, other };
            }
        }
        const elements = [...this.box.el.querySelectorAll("[data-item]")];
        elements.find((el) => best && el.dataset.item === best.other.key)?.focus();
    }

    /** An edge is lit together with the nodes at its ends. */
    isLit(edge) {
        return [edge.key, `node ${edge.from}`, `node ${edge.to}`].includes(this.state.lit);
    }

    light(item) {
        this.state.lit = item && item.key;
    }
}
