import { Component, xml } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { useRefreshWatch } from "./refresh_watch";

/** `<widget name="tower_server_logs_watch"/>` beside the list of a server's logs: shows when one has been fetched. */
export class ServerLogsWatch extends Component {
    static template = xml`<span class="d-none"/>`;
    static props = { ...standardWidgetProps };

    setup() {
        useRefreshWatch(
            () =>
                this.props.record.data.server_log_ids.records
                    .filter((log) => log.data.is_refreshing && log.resId)
                    .map((log) => log.resId),
            () => this.props.record.load(),
        );
    }
}

registry.category("view_widgets").add("tower_server_logs_watch", { component: ServerLogsWatch });
