import { Component, xml } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { useRefreshAfterRuns } from "../run/use_view_refresh";

/** `<widget name="tower_server_logs_watch"/>` on the form of a server: reads it again when one of its logs was fetched. */
export class ServerLogsRefresh extends Component {
    static template = xml`<span class="d-none"/>`;
    static props = { ...standardWidgetProps };

    setup() {
        useRefreshAfterRuns({
            records: () =>
                this.props.record.data.server_log_ids.records.filter(
                    (log) => log.data.is_refreshing && log.resId,
                ),
            field: "is_refreshing",
            isBusy: () => this.props.record.dirty,
            reload: () => this.props.record.load(),
        });
    }
}

registry.category("view_widgets").add("tower_server_logs_watch", { component: ServerLogsRefresh });
