import { Component, useState } from "@odoo/owl";
import { deserializeDateTime } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { DiffLines, makeRow } from "./diff_lines";
import { RUN_FIELDS } from "./file_run";

const MODEL = "cx.tower.file";
const STATES = {
    unknown: { label: _t("Not compared yet"), color: "secondary", icon: "fa-question" },
    same: { label: _t("Same on the server"), color: "success", icon: "fa-check" },
    differs: { label: _t("Different on the server"), color: "warning", icon: "fa-exchange" },
    missing: { label: _t("Not on the server"), color: "info", icon: "fa-plus" },
    error: { label: _t("Could not be compared"), color: "danger", icon: "fa-times" },
};

/** `<widget name="tower_file_diff"/>` on the form of a file: what a push would change on the server. */
export class FileDiff extends Component {
    static template = "cetmix_tower_server.FileDiff";
    static components = { DiffLines };
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({ found: null, rows: [], isStarting: false });
        // The form reloads its record without changing the props of this component.
        useRecordObserver(async (record) => {
            if (this.version(record) !== this.loaded) {
                await this.load(record);
            }
        });
    }

    /** A key that changes whenever there may be something else to show. */
    version({ resId, data }) {
        const { is_being_processed, host_state, host_checked, rendered_code } = data;
        const checked = host_checked ? host_checked.toMillis() : 0;
        return JSON.stringify([resId, is_being_processed, host_state, checked, rendered_code]);
    }

    async load(record) {
        const version = this.version(record);
        this.loaded = version;
        if (!record.resId) {
            Object.assign(this.state, { found: null, rows: [] });
            return;
        }
        const found = await this.orm.call(MODEL, "get_difference", [[record.resId]]);
        if (version === this.loaded) {
            Object.assign(this.state, { found, rows: found.rows.map(makeRow) });
        }
    }

    get status() {
        return STATES[this.state.found?.state || "unknown"];
    }

    get checked() {
        const { found } = this.state;
        return found?.checked ? deserializeDateTime(found.checked).toRelative({ style: "long" }) : "";
    }

    get isBusy() {
        return this.state.isStarting || Boolean(this.props.record.data.is_being_processed);
    }

    get mayWrite() {
        return this.props.record.data.may_write;
    }

    get hint() {
        const { found } = this.state;
        if (!found || found.state === "unknown") {
            if (!this.mayWrite) {
                return _t("Nobody with the right to push the file has compared it yet.");
            }
            return _t("Compare to see what a push would change on the server. Comparing changes nothing.");
        }
        if (found.state === "missing") {
            return _t("The file does not exist on the server. A push creates it.");
        }
        if (found.state !== "differs") {
            return "";
        }
        if (found.too_long) {
            return _t("The two versions are too long to be compared line by line.");
        }
        const isText = this.props.record.data.file_type === "text";
        return isText && !this.state.rows.length ? _t("There is no text to show.") : "";
    }

    onCompare() {
        return this.start("action_get_current_server_code");
    }

    onPush() {
        return this.start("action_push_to_server");
    }

    /** Saves the form and starts a run. `FileRun` reads the form again when the run has ended. */
    async start(method) {
        this.state.isStarting = true;
        try {
            const { record } = this.props;
            if (!(await record.save())) {
                return;
            }
            await this.action.doAction(await this.orm.call(MODEL, method, [[record.resId]]));
        } finally {
            this.state.isStarting = false;
        }
    }
}

registry.category("view_widgets").add("tower_file_diff", {
    component: FileDiff,
    fieldDependencies: [
        ...RUN_FIELDS,
        { name: "host_state", type: "selection" },
        { name: "host_checked", type: "datetime" },
        { name: "rendered_code", type: "text" },
        { name: "may_write", type: "boolean" },
    ],
});
