import { Component, onWillUnmount, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { actionOfEdge, lifecycleGraph } from "../graph/lifecycle_graph";
import { TowerGraph } from "../graph/tower_graph";
import { useJetMoves } from "./use_jet_moves";

/** `<widget name="tower_jet_lifecycle"/>` on the form of a jet: its lifecycle, where it is, and what can be triggered now. */
export class JetLifecycle extends Component {
    static template = "cetmix_tower_jet.JetLifecycle";
    static components = { TowerGraph };
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        this.moves = useJetMoves();
        this.state = useState({ graph: null, error: "" });
        this.lastRead = 0;
        onWillUnmount(() => this.lastRead++);
        useRecordObserver((record) => {
            // Whatever changes the picture is read here, so that the observer runs again.
            const { state_id, movement, action_available_ids, transition_ids } = record.data;
            if (record.resId && [state_id, movement, action_available_ids, transition_ids]) {
                this.read(record.resModel, record.resId);
            }
        });
    }

    async read(model, id) {
        const current = ++this.lastRead;
        let lifecycle = null;
        let error = "";
        try {
            lifecycle = await this.orm.silent.call(model, "get_lifecycle_graph", [[id]]);
        } catch (err) {
            error = err.data?.message || err.message;
        }
        if (current === this.lastRead) {
            const graph = lifecycle ? lifecycleGraph(lifecycle, { isOfJet: true }) : this.state.graph;
            Object.assign(this.state, { graph, error });
            this.actions = new Map(lifecycle?.actions.map((action) => [action.id, action]));
        }
    }

    onEdgeClick(edgeId) {
        const action = this.actions.get(actionOfEdge(edgeId));
        if (action?.is_available) {
            const { record } = this.props;
            this.moves.askToTrigger({ id: record.resId, name: record.data.name }, action);
        }
    }
}

registry.category("view_widgets").add("tower_jet_lifecycle", {
    component: JetLifecycle,
    additionalClasses: ["d-block"],
    fieldDependencies: [
        { name: "name", type: "char" },
        { name: "movement", type: "selection" },
    ],
});
