import { Component, xml } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { LiveConsole } from "./live_console";
import { reloadWhenEnded, STATE_FIELD } from "../run/run_end";

/** `<widget name="tower_live_console"/>` on the form of a command log. */
export class LiveConsoleWidget extends Component {
    static template = xml`<LiveConsole t-if="props.record.resId" logId="props.record.resId" onFinished.bind="onFinished"/>`;
    static components = { LiveConsole };
    static props = { ...standardWidgetProps };

    /** The fields around the console are those of a running command: read them again. */
    onFinished(state) {
        return reloadWhenEnded(this.props.record, state);
    }
}

registry.category("view_widgets").add("tower_live_console", {
    component: LiveConsoleWidget,
    fieldDependencies: [STATE_FIELD],
});
