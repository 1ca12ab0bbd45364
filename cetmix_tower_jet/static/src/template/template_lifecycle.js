import { Component, onWillUnmount, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { actionOfEdge, lifecycleGraph } from "../graph/lifecycle_graph";
import { TowerGraph } from "../graph/tower_graph";
import { showPlace } from "./form_place";

/**
 * `<widget name="tower_jet_template_lifecycle"/>` on the form of a jet template: its lifecycle as saved. Clicking an action opens it.
 */
export class TemplateLifecycle extends Component {
    static template = "cetmix_tower_jet.TemplateLifecycle";
    static components = { TowerGraph };
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        this.state = useState({ graph: null });
        this.label = _t("Lifecycle of the jets");
        this.lastRead = 0;
        onWillUnmount(() => this.lastRead++);
        useRecordObserver((record) => {
            // Reading `dirty` and `resId` makes the observer run again after a save and for another record.
            if (!record.dirty && record.resId) {
                this.read(record.resModel, record.resId);
            } else if (!record.resId) {
                this.state.graph = null;
            }
        });
    }

    /** Reads the lifecycle. An answer that arrives after a later read was started is dropped. */
    async read(model, id) {
        const current = ++this.lastRead;
        const lifecycle = await this.orm.silent.call(model, "get_lifecycle_graph", [[id]]);
        if (current !== this.lastRead) {
            return;
        }
        const graph = lifecycleGraph(lifecycle);
        for (const edge of graph.edges) {
            edge.isClickable = actionOfEdge(edge.id) !== null;
        }
        this.state.graph = lifecycle.actions.length ? graph : null;
    }

    onEdgeClick(edgeId) {
        showPlace(this.props.record, { page: "actions", field: "action_ids", row: actionOfEdge(edgeId) });
    }
}

registry.category("view_widgets").add("tower_jet_template_lifecycle", { component: TemplateLifecycle });
