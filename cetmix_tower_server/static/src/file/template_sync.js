import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { formAction } from "../base/form_action";
import { useViewRefresh } from "../run/use_view_refresh";

/** `<widget name="tower_template_sync"/>` on the form of a file template: how many of its files are up to date, and failures. */
export class TemplateSync extends Component {
    static template = "cetmix_tower_server.TemplateSync";
    static props = { ...standardWidgetProps };

    setup() {
        this.action = useService("action");
        useViewRefresh(() => this.refresh());
    }

    get data() {
        return this.props.record.data;
    }

    get counts() {
        const { data } = this;
        return [
            {
                key: "ok",
                count: data.files_synced_count,
                label: _t("%s up to date", data.files_synced_count),
                color: "success",
            },
            {
                key: "waiting",
                count: data.files_waiting_count,
                label: _t("%s waiting", data.files_waiting_count),
                color: "info",
            },
            {
                key: "failed",
                count: data.files_failed_count,
                label: _t("%s failed", data.files_failed_count),
                color: "danger",
            },
            {
                key: "new",
                count: data.files_new_count,
                label: _t("%s not transferred yet", data.files_new_count),
                color: "secondary",
            },
        ].filter(({ count }) => count);
    }

    get failures() {
        return this.data.sync_failures || [];
    }

    get moreText() {
        const more = this.data.files_failed_count - this.failures.length;
        return this.failures.length && more > 0 ? _t("… and %s more", more) : "";
    }

    /** Reads the form again while files wait. */
    async refresh() {
        const { record } = this.props;
        if (record.resId && this.data.files_waiting_count && !record.dirty) {
            await record.load();
        }
    }

    onOpen(id) {
        return this.action.doAction(formAction("cx.tower.file", id));
    }
}

registry.category("view_widgets").add("tower_template_sync", {
    component: TemplateSync,
    fieldDependencies: [
        { name: "files_synced_count", type: "integer" },
        { name: "files_waiting_count", type: "integer" },
        { name: "files_failed_count", type: "integer" },
        { name: "files_new_count", type: "integer" },
        { name: "sync_failures", type: "json" },
    ],
});
