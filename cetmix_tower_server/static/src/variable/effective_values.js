import { Component, onWillUnmount, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

/** Rows shown before somebody asks for more: a table of thousands makes the page slow. */
const PAGE_SIZE = 100;

/**
 * `<widget name="tower_effective_values"/>` on the form of anything that owns variable values: what counts for
 * this record, where each value comes from and what it overrides. Read when its tab is opened and after each save.
 */
export class EffectiveValues extends Component {
    static template = "cetmix_tower_server.EffectiveValues";
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({ rows: [], filter: "", limit: PAGE_SIZE, loading: true, error: "" });
        this.lastRead = 0;
        onWillUnmount(() => this.lastRead++);
        useRecordObserver((record) => {
            // Reading both makes the observer come back when another record is shown and after a save.
            if (!record.dirty && record.resId) {
                this.read(record.resModel, record.resId);
            } else if (!record.resId) {
                this.state.loading = false;
            }
        });
    }

    /** Read the values; an answer that is overtaken by a later one is dropped. */
    async read(model, id) {
        const current = ++this.lastRead;
        this.state.loading = true;
        let rows = [];
        let error = "";
        try {
            rows = await this.orm.silent.call(model, "get_effective_variable_values", [[id]]);
        } catch (err) {
            error = err.data?.message || err.message;
        }
        if (current === this.lastRead) {
            Object.assign(this.state, { rows, error, loading: false, limit: PAGE_SIZE });
        }
    }

    get matching() {
        const words = this.state.filter.toLowerCase().split(/\s+/).filter(Boolean);
        return this.state.rows.filter((row) => {
            const text = [row.reference, row.name, row.value, row.raw, row.source.label]
                .join(" ")
                .toLowerCase();
            return words.every((word) => text.includes(word));
        });
    }

    onFilter(ev) {
        this.state.filter = ev.target.value;
        this.state.limit = PAGE_SIZE;
    }

    showMore() {
        this.state.limit += 10 * PAGE_SIZE;
    }

    openValue(row) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "cx.tower.variable.value",
            res_id: row.source.value_id,
            views: [[false, "form"]],
        });
    }
}

registry.category("view_widgets").add("tower_effective_values", {
    component: EffectiveValues,
    additionalClasses: ["d-block"],
});
