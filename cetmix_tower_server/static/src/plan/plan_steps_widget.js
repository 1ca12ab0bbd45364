import { Component, xml } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { PlanSteps } from "./plan_steps";
import { FIELDS_FOR_RELOAD, reloadWhenEnded } from "../run/reload_when_ended";

/** `<widget name="tower_plan_steps"/>` on the form of a flight plan log. */
export class PlanStepsWidget extends Component {
    static template = xml`
        <PlanSteps
            t-if="props.record.resId"
            logId="props.record.resId"
            topId="topId"
            onFinished.bind="onFinished"
        />`;
    static components = { PlanSteps };
    static props = { ...standardWidgetProps };

    get topId() {
        return this.props.record.data.top_plan_log_id?.id;
    }

    /** The form still shows a run that goes on. */
    onFinished(state) {
        return reloadWhenEnded(this.props.record, state);
    }
}

registry.category("view_widgets").add("tower_plan_steps", {
    component: PlanStepsWidget,
    fieldDependencies: [
        ...FIELDS_FOR_RELOAD,
        { name: "top_plan_log_id", type: "many2one", relation: "cx.tower.plan.log" },
    ],
});
