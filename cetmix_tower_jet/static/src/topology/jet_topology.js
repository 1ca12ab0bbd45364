import { Component, markRaw, onWillUnmount, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { TowerGraph } from "../graph/tower_graph";
import { useJetNews } from "../jet/jet_news";
import { jetOfNode, TopologyData } from "./topology_data";

const LEVELS = [1, 2, 3, 10];
const PAUSES = { firstDelay: 50, minPause: 250 };

/** `<widget name="tower_jet_topology"/>` on the form of a jet: what it needs and what needs it, over one or more levels. */
export class JetTopology extends Component {
    static template = "cetmix_tower_jet.JetTopology";
    static components = { TowerGraph };
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.levels = LEVELS;
        this.data = new TopologyData();
        this.lastRead = 0;
        this.state = useState({ levels: 1, graph: null, error: "", total: 0, limit: 0 });
        onWillUnmount(() => this.lastRead++);
        useRecordObserver((record) => {
            // Whatever changes the picture is read here, so that the observer runs again.
            const { jet_requires_ids: links } = record.data;
            if (record.resId && links.records.map((link) => link.data.jet_depends_on_id)) {
                this.read(record.resId);
            }
        });
        useJetNews(
            (ids) => this.refresh(ids),
            () => this.data.busyIds,
            PAUSES,
        );
    }

    async read(id = this.props.record.resId) {
        const current = ++this.lastRead;
        const { levels } = this.state;
        let error = "";
        let topology = null;
        try {
            topology = await this.orm.silent.call("cx.tower.jet", "get_topology", [[id]], { levels });
        } catch (err) {
            error = err.data?.message || err.message;
        }
        if (current !== this.lastRead) {
            return;
        }
        if (topology) {
            this.data.load(topology);
            Object.assign(this.state, { total: topology.total, limit: topology.limit });
            this.state.graph = markRaw(this.data.graph({ currentId: id }));
        }
        this.state.error = error;
    }

    async refresh(ids) {
        if (this.props.record.resId && (!ids || ids.some((id) => this.data.jets.has(id)))) {
            await this.read();
        }
    }

    setLevels(levels) {
        this.state.levels = levels;
        return this.read();
    }

    /** A jet without dependencies has no picture worth showing. */
    get hasNeighbours() {
        return this.state.graph?.nodes.length > 1;
    }

    openJet(nodeId) {
        const id = jetOfNode(nodeId);
        if (id && id !== this.props.record.resId) {
            this.action.doAction({
                type: "ir.actions.act_window",
                res_model: "cx.tower.jet",
                res_id: id,
                views: [[false, "form"]],
            });
        }
    }
}

registry.category("view_widgets").add("tower_jet_topology", {
    component: JetTopology,
    additionalClasses: ["d-block"],
    fieldDependencies: [{ name: "jet_requires_ids", type: "one2many" }],
});
