import { Component, onWillStart, useRef, useState } from "@odoo/owl";
import { KeepLast } from "@web/core/utils/concurrency";
import { useAutofocus, useService } from "@web/core/utils/hooks";
import { useDebounced } from "@web/core/utils/timing";

const LIMIT = 40;
const SYSTEM_NAMES = [
    ...["name", "reference", "username", "partner_name", "ipv4", "ipv6", "status", "os", "url"].map(
        (name) => `tower.server.${name}`,
    ),
    ...["uuid", "today", "now", "today_underscore", "now_underscore"].map((name) => `tower.tools.${name}`),
];

/** A popover in which a variable is found by name or reference and chosen. */
export class VariablePicker extends Component {
    static template = "cetmix_tower_server.VariablePicker";
    static props = { onSelect: Function, close: { type: Function, optional: true } };

    setup() {
        this.orm = useService("orm");
        this.state = useState({ query: "", items: [], active: 0, error: "", loading: true });
        this.keepLast = new KeepLast();
        this.list = useRef("list");
        this.search = useDebounced(() => this.load(), 200);
        useAutofocus({ refName: "query" });
        onWillStart(() => {
            this.load(); // not awaited: the input appears at once, the list when it has been read
        });
    }

    async load() {
        const query = this.state.query.trim();
        const domain = query ? ["|", ["name", "ilike", query], ["reference", "ilike", query]] : [];
        let variables = [];
        let error = "";
        this.state.loading = true;
        try {
            variables = await this.keepLast.add(
                this.orm.silent.searchRead("cx.tower.variable", domain, ["name", "reference"], {
                    limit: LIMIT,
                    order: "name",
                }),
            );
        } catch (err) {
            error = err.data?.message || err.message;
        }
        const system = SYSTEM_NAMES.filter((name) => name.includes(query.toLowerCase()));
        const items = [
            ...variables.map(({ name, reference }) => ({ name, reference })),
            ...system.map((reference) => ({ name: "", reference })),
        ];
        Object.assign(this.state, { items, error, active: 0, loading: false });
    }

    onInput(ev) {
        this.state.query = ev.target.value;
        this.search();
    }

    onKeydown(ev) {
        const last = this.state.items.length - 1;
        if (ev.key === "ArrowDown") {
            this.state.active = Math.min(this.state.active + 1, last);
        } else if (ev.key === "ArrowUp") {
            this.state.active = Math.max(this.state.active - 1, 0);
        } else if (ev.key === "Enter") {
            const item = this.state.items[this.state.active];
            if (item && !this.state.loading) {
                this.props.onSelect(item.reference);
            }
        } else {
            return;
        }
        ev.preventDefault();
        ev.stopPropagation();
        this.list.el?.children[this.state.active]?.scrollIntoView({ block: "nearest" });
    }
}
