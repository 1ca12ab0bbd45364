import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

/** What each line of a flight plan will do on one server, according to a dry run. */
export class PlanPreviewField extends Component {
    static template = "cetmix_tower_server.PlanPreviewField";
    static props = { ...standardFieldProps };

    get lines() {
        return this.props.record.data[this.props.name] || [];
    }

    get problemText() {
        const count = this.lines.filter((line) => line.error).length;
        if (!count) {
            return "";
        }
        return count === 1 ? _t("1 step has a problem") : _t("%s steps have problems", count);
    }
}

registry.category("fields").add("tower_plan_preview", {
    component: PlanPreviewField,
    displayName: _t("Preview of a flight plan"),
    supportedTypes: ["json"],
});
