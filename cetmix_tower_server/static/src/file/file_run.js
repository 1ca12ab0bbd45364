import { Component, onWillRender, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { RunProgress } from "../run/run_progress";
import { useRunChannel } from "../run/use_run_channel";
import { useRefreshAfterRuns } from "../run/use_view_refresh";

export const RUN_FIELDS = [
    { name: "is_being_processed", type: "boolean" },
    { name: "last_log_id", type: "many2one", relation: "cx.tower.command.log" },
];

/**
 * `<widget name="tower_file_run"/>` on the form of a file: that it is being transferred, and how far. When the transfer has
 * ended the form is read again.
 */
export class FileRun extends Component {
    static template = "cetmix_tower_server.FileRun";
    static components = { RunProgress };
    static props = { ...standardWidgetProps };

    setup() {
        this.state = useState({ announcement: {} }); // the last one with a progress
        const refresh = useRefreshAfterRuns({
            records: () => (this.isBusy ? [this.props.record] : []),
            field: "is_being_processed",
            isBusy: () => this.props.record.dirty,
            reload: () => this.props.record.load(),
        });
        const channel = useRunChannel("cetmix_tower_log", (payload) => {
            if (payload.id === this.runId) {
                if (payload.progress) {
                    this.state.announcement = payload;
                }
                if (payload.state !== "running") {
                    refresh.hint();
                }
            }
        });
        onWillRender(() => channel.listen(this.runId));
    }

    get isBusy() {
        const { resId, data } = this.props.record;
        return Boolean(resId && data.is_being_processed);
    }

    get runId() {
        return this.isBusy && this.props.record.data.last_log_id?.id;
    }

    get progress() {
        const { announcement } = this.state;
        return announcement.id === this.runId ? announcement.progress : null;
    }
}

registry.category("view_widgets").add("tower_file_run", {
    component: FileRun,
    fieldDependencies: RUN_FIELDS,
});
