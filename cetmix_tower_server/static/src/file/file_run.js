import { Component } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { useFileRunWatch } from "./file_run_watch";
import { RunProgress } from "../run/run_progress";

export const RUN_FIELDS = [
    { name: "is_being_processed", type: "boolean" },
    { name: "last_log_id", type: "many2one", relation: "cx.tower.command.log" },
];

/** `<widget name="tower_file_run"/>` on the form of a file: that it is being transferred, and how far that is. */
export class FileRun extends Component {
    static template = "cetmix_tower_server.FileRun";
    static components = { RunProgress };
    static props = { ...standardWidgetProps };

    setup() {
        this.run = useFileRunWatch();
    }

    get isBusy() {
        return Boolean(this.props.record.data.is_being_processed);
    }
}

registry.category("view_widgets").add("tower_file_run", {
    component: FileRun,
    fieldDependencies: RUN_FIELDS,
});
