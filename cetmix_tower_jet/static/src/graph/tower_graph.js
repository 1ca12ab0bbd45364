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

import { CanvasViewport } from "./canvas_viewport";
import { Drawing } from "./graph_drawing";
import { GraphItem, GraphLine } from "./graph_items";
import { GraphKeyboard } from "./graph_keyboard";
import { layOutGraph } from "./graph_layout";
import { loadGraphLibrary } from "./graph_library";
import { graphStructure } from "./graph_structure";
import { ScrollViewport, useGraphViewport } from "./use_graph_viewport";

const NARROW_PX = 560;
const NOTHING = { nodes: [], edges: [], clusters: [] };

const text = { type: [String, { value: false }], optional: true };
const flag = { type: Boolean, optional: true };
const mark = {
    type: Object,
    shape: { id: String, icon: String, text: String, kind: { type: String, optional: true } },
};
const node = {
    type: Object,
    shape: {
        id: [String, Number],
        label: String,
        sublabel: text,
        color: { type: [Number, String], optional: true },
        isCurrent: flag,
        isMuted: flag,
        isFound: flag,
        isBusy: flag,
        isDot: flag,
        isStub: flag,
        warning: text,
        marks: { type: Array, element: mark, optional: true },
        cluster: { type: [String, Number], optional: true },
        width: { type: Number, optional: true },
        name: text,
        title: text,
    },
};
const edge = {
    type: Object,
    shape: {
        id: [String, Number],
        from: [String, Number],
        to: [String, Number],
        label: text,
        isClickable: flag,
        isActive: flag,
        isMuted: flag,
        title: text,
        kind: {
            type: [{ value: "normal" }, { value: "error" }, { value: "unmet" }, { value: "hidden" }],
            optional: true,
        },
    },
};

/**
 * A graph of nodes, edges between them, and clusters of nodes. It only reports clicks: what they do is up to its owner.
 *
 * The layout is computed when ids, links or texts change. Everything else (colours, current, busy, active ...) only changes
 * attributes, so a graph can be given new data as often as they come. Only nodes and edges that are other objects than before are
 * drawn again: pass the same objects for what has not changed, and never change an object that was passed.
 *
 * Nodes: `color` is an index of Odoo's colours (0 to 11) or a CSS class that sets `--tower-graph-color`. `warning` is a text that a
 * badge shows, `marks` are further badges: `icon` (one character), `text`, `kind` ("warning", "error" or "info"). `isDot` is a small
 * dot without text, for a start or an end, `isStub` stands for something that is not there. A node with a `width` keeps it, and its
 * `sublabel` can change without a new layout. `name` is what screen readers say instead of the label.
 *
 * `direction` is "LR" or "TB"; a narrow box is always "TB". `label` names the graph for screen readers. `isCanvas`: the graph fills
 * the box around it, is moved and zoomed freely, and is one stop of the Tab key; otherwise it is a part of a page that scrolls. A
 * canvas keeps what it shows when its layout changes, unless `viewKey` does. `view` is what it shows first. `setHandle` gets an
 * object with `show(id, focus)`, which moves a node into view, and `view()`, which returns what can be passed as `view`.
 */
export class TowerGraph extends Component {
    static template = "cetmix_tower_jet.TowerGraph";
    static components = { GraphItem, GraphLine };
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
        isCanvas: { type: Boolean, optional: true },
        view: { type: [Object, { value: null }], optional: true },
        viewKey: { type: String, optional: true },
        setHandle: { type: Function, optional: true },
    };
    static defaultProps = { edges: [], clusters: [], direction: "LR" };
    static layOut = layOutGraph;

    setup() {
        this.root = useRef("root");
        this.box = useRef("box");
        this.state = useState({ isNarrow: window.innerWidth < NARROW_PX, lit: null, tabStop: null });
        this.layout = null;
        this.known = new Map(); // clusters that are laid out
        this.drawn = NOTHING;
        this.items = [];
        this.keyboard = new GraphKeyboard();
        this.viewport = useGraphViewport(this.props.isCanvas ? CanvasViewport : ScrollViewport, this.box, {
            getSize: () => this.layout || { width: 1, height: 1 },
            getFocusPoint: () => this.focusPoint,
            getLayout: () => this.layout,
            getViewKey: () => `${this.props.viewKey} ${this.state.isNarrow}`,
            firstView: this.props.view,
        });
        this.props.setHandle?.({
            show: (id, focus) => this.show(`node ${id}`, focus),
            view: () => this.viewport.view,
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
    prepare({ nodes, edges, clusters, direction, onNodeClick }) {
        const graph = this.library ? { nodes, edges, clusters } : NOTHING;
        const wanted = this.state.isNarrow ? "TB" : direction;
        const { key, structure, shapes } = graphStructure({ ...graph, direction: wanted });
        if (key !== this.key) {
            this.key = key;
            this.layout = graph.nodes.length
                ? this.constructor.layOut(this.library, structure, this.known)
                : null;
            this.drawing = new Drawing(this.layout, Boolean(onNodeClick));
        }
        this.drawn = this.drawing.draw(graph, shapes);
        this.items = this.inReadingOrder(wanted);
        this.byKey = new Map([...this.drawn.edges, ...this.items].map((item) => [item.key, item]));
    }

    inReadingOrder(direction) {
        const [first, second] = direction === "TB" ? ["y", "x"] : ["x", "y"];
        const items = [
            ...this.drawn.nodes,
            ...this.drawn.edges.filter((one) => one.lines.length || one.isClickable),
        ];
        return items.sort((one, other) => one[first] - other[first] || one[second] - other[second]);
    }

    get focusPoint() {
        const wanted = this.drawn.nodes.find((one) => one.isCurrent || one.isBusy) || this.items[0];
        return wanted || { x: 0, y: 0 };
    }

    /** Only one item of a canvas is a stop of the Tab key: the one that had the focus last. */
    tabindexOf(item) {
        if (!item.isFocusable) {
            return "";
        }
        const stop = this.byKey.has(this.state.tabStop) ? this.state.tabStop : this.firstStop;
        return !this.props.isCanvas || item.key === stop ? "0" : "-1";
    }

    get firstStop() {
        return this.items.find((item) => item.isFocusable)?.key;
    }

    // -- what people do

    /** The item, or the edge, that an event is about. */
    itemOf(ev) {
        const element = ev.target.closest("[data-item], [data-edge]");
        const { item, edge: edgeId } = element?.dataset || {};
        return this.byKey.get(item || `edge ${edgeId}`);
    }

    onClick(ev) {
        const item = this.itemOf(ev);
        if (item) {
            this.click(item);
        }
    }

    click(item) {
        if (item.isButton) {
            (item.kind === "node" ? this.props.onNodeClick : this.props.onEdgeClick)?.(item.id);
        }
    }

    onKeydown(ev) {
        const item = this.itemOf(ev);
        if (!item || ev.altKey || ev.ctrlKey || ev.metaKey) {
            return;
        }
        const { items, drawn } = this;
        const target = this.keyboard.target(ev, item, { items, edges: drawn.edges });
        if (target !== undefined) {
            ev.preventDefault();
            this.show(target?.key, true);
        } else if (!ev.shiftKey && (ev.key === "Enter" || ev.key === " ") && item.isButton) {
            ev.preventDefault();
            if (!ev.repeat) {
                this.click(item);
            }
        }
    }

    /** Moves an item into view; `focus` also focuses it. */
    show(key, focus = false) {
        const item = this.byKey.get(key);
        const elements = item ? [...this.box.el.querySelectorAll("[data-item]")] : [];
        const element = elements.find((el) => el.dataset.item === key);
        if (element) {
            this.viewport.reveal(item, element, focus);
            if (focus) {
                element.focus({ preventScroll: Boolean(this.props.isCanvas) });
            }
        }
    }

    onFocus(ev) {
        const item = this.itemOf(ev);
        if (item) {
            this.state.tabStop = item.key;
            this.light(item);
            if (ev.target.matches(":focus-visible")) {
                this.viewport.reveal(item, ev.target);
            }
        }
    }

    onHover(ev) {
        this.light(this.itemOf(ev));
    }

    /** An edge is lit together with the nodes at its ends. */
    isLit({ key, fromKey, toKey }) {
        const { lit } = this.state;
        return Boolean(lit) && (lit === key || lit === fromKey || lit === toKey);
    }

    light(item) {
        this.state.lit = item ? item.key : null;
    }
}
