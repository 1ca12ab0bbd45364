import { Component, xml } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { FleetRun } from "./fleet_run";
import { FIELDS_FOR_RELOAD, reloadWhenEnded } from "../run/reload_when_ended";

/** `<widget name="tower_fleet_run"/>` on the form of a fleet run. */
export class FleetRunWidget extends Component {
    static template = xml`
        <FleetRun t-if="props.record.resId" fleetId="props.record.resId" onFinished.bind="onFinished"/>`;
    static components = { FleetRun };
    static props = { ...standardWidgetProps };

    /** The form still shows a run that goes on. */
    onFinished(state) {
        return reloadWhenEnded(this.props.record, state);
    }
}

registry.category("view_widgets").add("tower_fleet_run", {
    component: FleetRunWidget,
    fieldDependencies: FIELDS_FOR_RELOAD,
});
