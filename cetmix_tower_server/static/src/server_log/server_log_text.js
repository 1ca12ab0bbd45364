import { Component, useEffect, useRef, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { DownloadMenu } from "../base/download_menu";
import { useRefreshAfterRuns } from "../run/use_view_refresh";

/** `<widget name="tower_server_log_text"/>` on the form of a server log: its text, scrolled to the end. */
export class ServerLogText extends Component {
    static template = "cetmix_tower_server.ServerLogText";
    static components = { DownloadMenu };
    static props = { ...standardWidgetProps };

    setup() {
        this.text = useRef("text");
        this.state = useState({ isWrapping: true });
        useRefreshAfterRuns({
            records: () => (this.data.is_refreshing ? [this.props.record] : []),
            field: "is_refreshing",
            isBusy: () => this.props.record.dirty,
            reload: () => this.props.record.load(),
        });
        useEffect(
            (element) => {
                if (element) {
                    element.scrollTop = element.scrollHeight; // the newest lines
                }
            },
            () => [this.text.el, this.data.log_date && this.data.log_date.toMillis()],
        );
    }

    get data() {
        return this.props.record.data;
    }

    get date() {
        return this.data.log_date ? this.data.log_date.toRelative({ style: "long" }) : "";
    }

    get tried() {
        return this.data.log_tried ? this.data.log_tried.toRelative({ style: "long" }) : "";
    }

    /** Whether the last refresh failed without any output, so that an older text is shown. */
    get isStale() {
        const { log_state, log_date, log_tried } = this.data;
        return log_state === "failed" && log_date && log_tried && log_date.toMillis() < log_tried.toMillis();
    }

    get sizeText() {
        return this.data.is_cut ? _t("Only the end is shown. Download the log to see all of it.") : "";
    }

    get downloadUrl() {
        return `/cetmix_tower/server_log/${this.props.record.resId}/log.txt`;
    }

    onToggleWrapping() {
        this.state.isWrapping = !this.state.isWrapping;
    }
}

registry.category("view_widgets").add("tower_server_log_text", {
    component: ServerLogText,
    fieldDependencies: [
        { name: "log_html", type: "html" },
        { name: "is_cut", type: "boolean" },
        { name: "log_date", type: "datetime" },
        { name: "log_tried", type: "datetime" },
        { name: "log_state", type: "selection" },
        { name: "log_message", type: "text" },
        { name: "is_refreshing", type: "boolean" },
    ],
});
