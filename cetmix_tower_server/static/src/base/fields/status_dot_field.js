import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import {
    StateSelectionField,
    stateSelectionField,
} from "@web/views/fields/state_selection/state_selection_field";

// Names of Bootstrap colors. One table for all selections with a dot: a value means the same in each of them.
const COLORS = {
    // status of a server
    starting: "info",
    stopping: "warning",
    restarting: "info",
    deleting: "warning",
    delete_error: "danger",
    // connection
    ok: "success",
    // runs; "running" is a status of servers, too
    queued: "info",
    running: "success",
    waiting: "info",
    done: "success",
    failed: "danger",
    interrupted: "danger",
};

/** A selection as a colored dot with its label; without a value, "Undefined". */
export class StatusDotField extends StateSelectionField {
    static template = "cetmix_tower_server.StatusDotField";
    static props = {
        ...StateSelectionField.props,
        title: { type: String, optional: true },
        hideEmpty: { type: Boolean, optional: true },
    };

    get options() {
        const options = super.options;
        return this.props.record.fields[this.props.name].required
            ? options
            : [[false, _t("Undefined")], ...options];
    }

    get currentValue() {
        return this.props.record.data[this.props.name];
    }

    get label() {
        return this.options.find(([value]) => value === this.currentValue)?.[1] ?? "";
    }

    dotClass(value) {
        return `o_tower_dot ${COLORS[value] ? `text-bg-${COLORS[value]}` : ""}`;
    }
}

/** The status of a server. It can be changed where the form is editable. */
export const serverStatusField = {
    ...stateSelectionField,
    component: StatusDotField,
    displayName: _t("Server status"),
    extractProps({ options }, dynamicInfo) {
        return {
            showLabel: !options.hide_label,
            withCommand: false,
            readonly: dynamicInfo.readonly,
            autosave: "autosave" in options ? Boolean(options.autosave) : true,
        };
    },
};

/** The same dot, read-only, for any selection. */
export const towerDotField = {
    ...serverStatusField,
    displayName: _t("Status dot"),
    extractProps(fieldInfo, dynamicInfo) {
        return {
            ...serverStatusField.extractProps(fieldInfo, dynamicInfo),
            readonly: true,
            hideEmpty: Boolean(fieldInfo.options.hide_empty),
            title: fieldInfo.string,
        };
    },
};

registry.category("fields").add("server_status", serverStatusField);
registry.category("fields").add("tower_dot", towerDotField);
