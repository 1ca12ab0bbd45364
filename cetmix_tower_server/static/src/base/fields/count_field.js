import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { StatInfoField, statInfoField } from "@web/views/fields/stat_info/stat_info_field";

/** The server stops counting one above this: see COUNT_LIMIT in its models. */
export const COUNT_LIMIT = 10000;

/** The number of runs on a stat button; "10,000+" if there are more. */
export class TowerCountField extends StatInfoField {
    get formattedValue() {
        const { data, fields } = this.props.record;
        const count = data[this.props.name];
        const format = registry.category("formatters").get(fields[this.props.name].type);
        return count > COUNT_LIMIT ? _t("%s+", format(COUNT_LIMIT)) : format(count);
    }
}

registry.category("fields").add("tower_count", {
    ...statInfoField,
    component: TowerCountField,
    displayName: _t("Number of runs"),
    supportedTypes: ["integer"],
});
