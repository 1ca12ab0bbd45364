import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";
import { showPlace } from "./form_place";

/**
 * What is wrong or unwise in the jet template that is being edited, with a button for each finding that leads to where it is put
 * right: the row of the action or dependency, or the field.
 *
 * The value comes with the record and changes with it, see `check_findings` of `cx.tower.jet.template`.
 */
export class TemplateCheckField extends Component {
    static template = "cetmix_tower_jet.TemplateCheckField";
    static props = { ...standardFieldProps };

    get findings() {
        return this.props.record.data[this.props.name] || [];
    }

    get title() {
        const count = this.findings.length;
        return count === 1 ? _t("Check: 1 finding") : _t("Check: %s findings", count);
    }

    iconOf({ severity }) {
        return severity === "error" ? "fa-times-circle text-danger" : "fa-exclamation-triangle text-warning";
    }

    labelOf({ severity }) {
        return severity === "error" ? _t("Error") : _t("Warning");
    }

    show({ place }) {
        showPlace(this.props.record, place);
    }
}

registry.category("fields").add("tower_jet_template_check", {
    component: TemplateCheckField,
    displayName: _t("Check of a jet template"),
    supportedTypes: ["json"],
});
