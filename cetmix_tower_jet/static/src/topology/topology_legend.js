import { Component } from "@odoo/owl";

/** What colours and signs of a topology graph mean. */
export class TopologyLegend extends Component {
    static template = "cetmix_tower_jet.TopologyLegend";
    static props = {
        states: {
            type: Array,
            element: { type: Object, shape: { name: String, color: Number, count: Number } },
        },
    };
}
