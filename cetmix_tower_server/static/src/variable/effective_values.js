import { Component, onWillUnmount, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { formAction } from "../base/form_action";

const PAGE_SIZE = 100; // rows shown at first: thousands would make the page slow

/**
 * `<widget name="tower_effective_values"/>` on the form of a record with variable values: the values that apply to it, where
 * each comes from and what it overrides. They are read when the tab is opened and after each save.
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
            // Reading `dirty` and `resId` makes the observer run again after a save and for another record.
            if (!record.dirty && record.resId) {
                this.read(record.resModel, record.resId);
            } else if (!record.resId) {
                this.state.loading = false;
            }
        });
    }

    /** Reads the values. An answer that arrives after a later read was started is dropped. */
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
        return this.action.doAction(formAction("cx.tower.variable.value", row.source.value_id));
    }
}

registry.category("view_widgets").add("tower_effective_values", {
    component: EffectiveValues,
    additionalClasses: ["d-block"],
});
