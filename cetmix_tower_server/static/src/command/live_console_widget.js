import { xml } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { RUN_WIDGET_FIELDS, RunWidget } from "../run/run_widget";
import { LiveConsole } from "./live_console";

/** `<widget name="tower_live_console"/>` on the form of a command log. */
export class LiveConsoleWidget extends RunWidget {
    static template = xml`<LiveConsole t-if="props.record.resId" logId="props.record.resId" onFinished.bind="onFinished"/>`;
    static components = { LiveConsole };
}

registry.category("view_widgets").add("tower_live_console", {
    component: LiveConsoleWidget,
    fieldDependencies: RUN_WIDGET_FIELDS,
});
