/* What is drawn of nodes, edges and clusters: places, texts, classes and names for screen readers. */
import { _t } from "@web/core/l10n/translation";

const joined = (parts) => parts.filter(Boolean).join(", ");

/** All marks of a node. `warning` is one of them. */
function marksOf({ warning, marks = [] }) {
    return warning ? [{ id: "warning", icon: "!", text: warning, kind: "warning" }, ...marks] : marks;
}

function nodeClasses(one, isClickable) {
    const color = typeof one.color === "string" ? one.color : `o_tower_graph_color_${one.color || 0}`;
    return {
        [color]: true,
        o_current: one.isCurrent,
        o_busy: one.isBusy,
        o_muted: one.isMuted,
        o_found: one.isFound,
        o_stub: one.isStub,
        o_dot: one.isDot,
        o_clickable: isClickable,
    };
}

function drawNode(one, { shapes, layout, canClickNodes }) {
    const marks = marksOf(one);
    const states = [
        one.isCurrent && _t("current"),
        one.isBusy && _t("in progress"),
        ...marks.map((mark) => mark.text),
    ];
    const isClickable = canClickNodes && !one.isDot && !one.isStub;
    return {
        ...one,
        ...shapes.nodes.get(String(one.id)),
        ...layout.nodes.get(String(one.id)),
        marks,
        kind: "node",
        key: `node ${one.id}`,
        name: joined([one.name || one.label || one.title, one.sublabel, ...states]),
        tooltip: [one.title || one.label, one.sublabel, ...marks.map((mark) => mark.text)]
            .filter(Boolean)
            .join("\n"),
        isButton: Boolean(isClickable),
        isFocusable: !one.isDot,
        classes: nodeClasses(one, isClickable),
    };
}

function drawEdge(one, way, { shapes, layout }) {
    const { path, end, angle, label } = layout.edges.get(String(one.id));
    return {
        ...one,
        ...shapes.edges.get(String(one.id)),
        x: label.x,
        y: label.y,
        path,
        arrow: `translate(${end.x} ${end.y}) rotate(${(angle * 180) / Math.PI})`,
        kind: "edge",
        style: one.kind || "normal",
        key: `edge ${one.id}`,
        fromKey: `node ${one.from}`,
        toKey: `node ${one.to}`,
        name: joined([one.label || one.title, way, one.isActive && _t("in progress")]),
        tooltip: one.title || one.label || way,
        isButton: Boolean(one.isClickable),
        isFocusable: Boolean(one.isClickable),
        classes: {
            o_active: one.isActive,
            o_muted: one.isMuted,
            o_error: one.kind === "error",
            o_unmet: one.kind === "unmet",
            o_hidden: one.kind === "hidden",
            o_clickable: one.isClickable,
        },
    };
}

/**
 * Turns nodes, edges and clusters into what is drawn. As long as the layout stays, an object that was drawn before gets the same
 * drawing again, so components that show it have nothing to do.
 */
export class Drawing {
    /**
     * @param {Object} layout of `layOutGraph`
     * @param {boolean} canClickNodes
     */
    constructor(layout, canClickNodes) {
        Object.assign(this, { layout, canClickNodes, known: new WeakMap() });
    }

    /**
     * @param {{nodes: Object[], edges: Object[], clusters: Object[]}} graph
     * @param {Object} shapes of `graphStructure`
     * @returns {{nodes: Object[], edges: Object[], clusters: Object[]}} edges and clusters without a place are left out
     */
    draw({ nodes, edges, clusters }, shapes) {
        const context = { shapes, layout: this.layout, canClickNodes: this.canClickNodes };
        const names = new Map(nodes.map((one) => [String(one.id), one.name || one.label || one.title || ""]));
        return {
            nodes: nodes.map((one) => this.same(one, "", () => drawNode(one, context))),
            edges: edges
                .filter((one) => this.layout?.edges.has(String(one.id)))
                .map((one) => {
                    const ends = { from: names.get(String(one.from)), to: names.get(String(one.to)) };
                    return this.same(one, `${ends.from}\n${ends.to}`, () =>
                        drawEdge(one, _t("%(from)s to %(to)s", ends), context),
                    );
                }),
            clusters: clusters
                .filter((one) => this.layout?.clusters.has(String(one.id)))
                .map((one) => ({
                    ...one,
                    ...this.layout.clusters.get(String(one.id)),
                    title: shapes.clusters.get(String(one.id)).lines.join(" "),
                })),
        };
    }

    same(one, key, compute) {
        let found = this.known.get(one);
        if (!found || found.key !== key) {
            found = { key, drawn: compute() };
            this.known.set(one, found);
        }
        return found.drawn;
    }
}
