import { Component, xml } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

/** A JSON value, indented and read-only. */
export class TowerJsonField extends Component {
    static template = xml`<pre class="o_tower_json mb-0" t-out="text"/>`;
    static props = { ...standardFieldProps };

    get text() {
        const value = this.props.record.data[this.props.name];
        return value ? JSON.stringify(value, null, 2) : "";
    }
}

registry.category("fields").add("tower_json", {
    component: TowerJsonField,
    displayName: _t("Readable JSON"),
    supportedTypes: ["json"],
});
