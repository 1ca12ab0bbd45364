import { Component, onWillUnmount, useState } from "@odoo/owl";
import { formatElapsed } from "@cetmix_tower_server/run/run_states";
import { browser } from "@web/core/browser/browser";
import { formatDateTime } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

const TICK_MS = 1000;

/** One clock for all that tick on a page. */
const clock = {
    users: new Set(),
    timer: null,
    add(user) {
        this.users.add(user);
        this.timer ??= browser.setInterval(() => {
            if (!document.hidden) {
                this.users.forEach((one) => one());
            }
        }, TICK_MS);
    },
    remove(user) {
        this.users.delete(user);
        if (!this.users.size) {
            browser.clearInterval(this.timer);
            this.timer = null;
        }
    },
};

/** How long something has been going on, second by second. */
export class ElapsedField extends Component {
    static template = "cetmix_tower_jet.ElapsedField";
    static props = { ...standardFieldProps };

    setup() {
        this.state = useState({ now: Date.now() });
        const tick = () => {
            this.state.now = Date.now();
        };
        clock.add(tick);
        onWillUnmount(() => clock.remove(tick));
    }

    get value() {
        return this.props.record.data[this.props.name];
    }

    get exact() {
        return formatDateTime(this.value);
    }

    get text() {
        return formatElapsed((this.state.now - this.value.toMillis()) / 1000);
    }
}

registry.category("fields").add("tower_elapsed", {
    component: ElapsedField,
    displayName: _t("Time since"),
    supportedTypes: ["datetime"],
});
