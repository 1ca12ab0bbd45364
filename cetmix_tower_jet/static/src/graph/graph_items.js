import { Component } from "@odoo/owl";

import { LINE_HEIGHT } from "./graph_structure";

const MARK_GAP = 20;

/** A node, or the label of an edge. Rendered again only when its own drawing changes. */
export class GraphItem extends Component {
    static template = "cetmix_tower_jet.GraphItem";
    static props = { item: Object, isLit: Boolean, tabindex: String };

    setup() {
        this.lineHeight = LINE_HEIGHT;
    }

    get classes() {
        const { item, isLit } = this.props;
        const isNode = item.kind === "node";
        return {
            ...item.classes,
            o_tower_graph_node: isNode,
            o_tower_graph_label: !isNode,
            o_lit: isLit,
        };
    }

    /** Height of the first line of texts around the centre. */
    get firstLine() {
        const { lines, sublines = [] } = this.props.item;
        return (-(lines.length + sublines.length - 1) * LINE_HEIGHT) / 2;
    }

    /** Marks stand on the upper edge, from right to left. */
    markPlace(index) {
        const { width, height } = this.props.item;
        return `translate(${width / 2 - 2 - index * MARK_GAP} ${-height / 2 + 2})`;
    }
}

/** The line of an edge, with its arrow. */
export class GraphLine extends Component {
    static template = "cetmix_tower_jet.GraphLine";
    static props = { edge: Object, isLit: Boolean };
}
