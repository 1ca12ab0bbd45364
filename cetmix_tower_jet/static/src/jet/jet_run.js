import { Component, xml } from "@odoo/owl";
import { PlanSteps } from "@cetmix_tower_server/plan/plan_steps";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

/** `<widget name="tower_jet_run"/>` on the form of a jet: the flight plan of its present or last action, step by step. */
export class JetRun extends Component {
    static template = xml`<PlanSteps t-if="logId" logId="logId" topId="logId" onFinished.bind="onFinished" />`;
    static components = { PlanSteps };
    static props = { ...standardWidgetProps };

    setup() {
        this.news = useService("tower_jet_news");
    }

    get logId() {
        return this.props.record.data.live_plan_log_id?.id;
    }

    /** The jet moves on with the end of its flight plan. */
    onFinished() {
        const { record } = this.props;
        if (record.data.movement === "busy") {
            this.news.tell([record.resId]);
        }
    }
}

registry.category("view_widgets").add("tower_jet_run", {
    component: JetRun,
    additionalClasses: ["d-block"],
    fieldDependencies: [
        { name: "live_plan_log_id", type: "many2one", relation: "cx.tower.plan.log" },
        { name: "movement", type: "selection" },
    ],
});
