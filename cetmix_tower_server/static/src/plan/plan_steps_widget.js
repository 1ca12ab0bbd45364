import { xml } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { RUN_WIDGET_FIELDS, RunWidget } from "../run/run_widget";
import { PlanSteps } from "./plan_steps";

/** `<widget name="tower_plan_steps"/>` on the form of a flight plan log. */
export class PlanStepsWidget extends RunWidget {
    static template = xml`
        <PlanSteps
            t-if="props.record.resId"
            logId="props.record.resId"
            topId="props.record.data.top_plan_log_id?.id"
            onFinished.bind="onFinished"
        />`;
    static components = { PlanSteps };
}

registry.category("view_widgets").add("tower_plan_steps", {
    component: PlanStepsWidget,
    fieldDependencies: [
        ...RUN_WIDGET_FIELDS,
        { name: "top_plan_log_id", type: "many2one", relation: "cx.tower.plan.log" },
    ],
});
