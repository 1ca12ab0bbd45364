import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

const FOCUSABLE = "input:not([type=hidden]), textarea, select, button, a[href], [tabindex='0']";

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

    iconOf({ severity }) {
        return severity === "error" ? "fa-times-circle text-danger" : "fa-exclamation-triangle text-warning";
    }

    labelOf({ severity }) {
        return severity === "error" ? _t("Error") : _t("Warning");
    }

    /** Opens the page of the form, then the row or the field. */
    show({ place }) {
        const form = this.formElement;
        form?.querySelector(`.o_notebook .nav-link[name="${place.page}"]`)?.click();
        // the page is drawn after this event
        setTimeout(() => {
            const field = form?.querySelector(`.o_field_widget[name="${place.field}"]`);
            const row = field && this.rowOf(field, place);
            field?.scrollIntoView({ block: "center" });
            if (row) {
                row.querySelector(".o_data_cell:not(.o_handle_cell)")?.click();
            } else {
                field?.querySelector(FOCUSABLE)?.focus();
            }
        });
    }

    get formElement() {
        return (
            document.querySelector(".modal:not(.o_inactive_modal) .o_form_view") ||
            document.querySelector(".o_form_view")
        );
    }

    /** The row of a list; saved records are known by their id, new ones by the client's own. */
    rowOf(field, place) {
        const list = this.props.record.data[place.field];
        const found =
            place.row &&
            list?.records?.find((record) => record.resId === place.row || record._virtualId === place.row);
        return (
            found &&
            field.querySelector(`.o_data_row[data-id="${found.id}"], .o_kanban_record[data-id="${found.id}"]`)
        );
    }
}

registry.category("fields").add("tower_jet_template_check", {
    component: TemplateCheckField,
    displayName: _t("Check of a jet template"),
    supportedTypes: ["json"],
});
