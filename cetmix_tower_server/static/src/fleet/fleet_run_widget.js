import { xml } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { RUN_WIDGET_FIELDS, RunWidget } from "../run/run_widget";
import { FleetRun } from "./fleet_run";

/** `<widget name="tower_fleet_run"/>` on the form of a fleet run. */
export class FleetRunWidget extends RunWidget {
    static template = xml`<FleetRun t-if="props.record.resId" fleetId="props.record.resId" onFinished.bind="onFinished"/>`;
    static components = { FleetRun };
}

registry.category("view_widgets").add("tower_fleet_run", {
    component: FleetRunWidget,
    fieldDependencies: RUN_WIDGET_FIELDS,
});
