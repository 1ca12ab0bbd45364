import { Component, xml } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { LiveConsole } from "./live_console";
import { FIELDS_FOR_RELOAD, reloadWhenEnded } from "../run/reload_when_ended";

/** `<widget name="tower_live_console"/>` on the form of a command log. */
export class LiveConsoleWidget extends Component {
    static template = xml`<LiveConsole t-if="props.record.resId" logId="props.record.resId" onFinished.bind="onFinished"/>`;
    static components = { LiveConsole };
    static props = { ...standardWidgetProps };

    /** The form still shows a run that goes on. */
    onFinished(state) {
        return reloadWhenEnded(this.props.record, state);
    }
}

registry.category("view_widgets").add("tower_live_console", {
    component: LiveConsoleWidget,
    fieldDependencies: FIELDS_FOR_RELOAD,
});
