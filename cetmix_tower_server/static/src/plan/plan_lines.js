import { Component, useState, useSubEnv } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useAddInlineRecord } from "@web/views/fields/relational_utils";
import { X2ManyField, x2ManyField } from "@web/views/fields/x2many/x2many_field";
import { ListRenderer } from "@web/views/list/list_renderer";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

/**
 * `<widget name="tower_line_buttons"/>` in a list of `tower_lines` or `tower_plan_lines`: the number of the row, its
 * warnings, and buttons that unfold and open it.
 */
export class LineButtons extends Component {
    static template = "cetmix_tower_server.LineButtons";
    static props = { ...standardWidgetProps };

    setup() {
        this.lines = this.env.towerLines;
        this.unfolded = useState(this.lines.unfolded);
    }

    get isUnfolded() {
        return this.unfolded.has(this.props.record.id);
    }

    get unfoldTitle() {
        return this.isUnfolded ? _t("Hide what it runs") : _t("Show what it runs");
    }
}

registry.category("view_widgets").add("tower_line_buttons", { component: LineButtons, listViewWidth: 84 });

/** What a line of a flight plan runs: the code of a command, or the lines of another plan. */
export class LineDetail extends Component {
    static template = "cetmix_tower_server.LineDetail";
    static props = { record: Object };

    get data() {
        return this.props.record.data;
    }
}

export class TowerLinesRenderer extends ListRenderer {
    static recordRowTemplate = "cetmix_tower_server.TowerLines.RecordRow";
    static components = { ...ListRenderer.components, LineDetail };

    setup() {
        super.setup();
        this.unfolded = useState(new Set());
        useSubEnv({
            towerLines: {
                unfolded: this.unfolded,
                number: ({ id }) => {
                    const { offset, records } = this.props.list;
                    return offset + records.findIndex((record) => record.id === id) + 1;
                },
                canUnfold: (record) => this.canUnfold(record),
                toggle: (record) => this.toggle(record),
                open: (record) => this.props.openRecord(record),
            },
        });
    }

    canUnfold(_record) {
        return false;
    }

    isUnfolded(record) {
        return this.unfolded.has(record.id) && this.canUnfold(record);
    }

    toggle(record) {
        if (!this.unfolded.delete(record.id)) {
            this.unfolded.add(record.id);
        }
    }
}

export class PlanLinesRenderer extends TowerLinesRenderer {
    canUnfold({ data }) {
        return Boolean(data.command_code || data.plan_run_names || data.note);
    }
}

/** Lines that are edited in place and can also be opened as a form, for what does not fit into a row. */
export class TowerLinesField extends X2ManyField {
    static components = { ...X2ManyField.components, ListRenderer: TowerLinesRenderer };

    setup() {
        super.setup();
        this.addInLine = useAddInlineRecord({ addNew: (params) => this.addRow(params) });
    }

    /** Odoo drops a new row in which nothing was typed. A row that is valid with its defaults alone is kept. */
    async addRow(params) {
        const record = await this.list.addNewRecord(params);
        if (await record.checkValidity({ silent: true })) {
            record.dirty = true;
        }
    }

    async openRecord(record) {
        if (this.props.viewMode === "list" && !(await this.list.leaveEditMode({ canAbandon: false }))) {
            return;
        }
        return this._openRecord({ record, context: this.props.context, readonly: this.props.readonly });
    }
}

/** Lines of a flight plan: each unfolds to show what it runs. */
export class PlanLinesField extends TowerLinesField {
    static components = { ...TowerLinesField.components, ListRenderer: PlanLinesRenderer };
}

registry.category("fields").add("tower_lines", {
    ...x2ManyField,
    component: TowerLinesField,
    displayName: _t("Lines with a form"),
});
registry.category("fields").add("tower_plan_lines", {
    ...x2ManyField,
    component: PlanLinesField,
    displayName: _t("Lines of a flight plan"),
});
