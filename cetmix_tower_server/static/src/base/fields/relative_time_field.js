import { Component, onWillUnmount, useState, xml } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { formatDateTime } from "@web/core/l10n/dates";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

const REFRESH_MS = 30000;

/** A relative time ("5 minutes ago") with the exact time as tooltip. */
export class RelativeTimeField extends Component {
    static template = xml`<time t-if="value" t-att-datetime="value.toISO()" t-att-title="exact" t-out="relative"/>`;
    static props = { ...standardFieldProps };

    setup() {
        this.clock = useState({ tick: 0 });
        const timer = setInterval(() => this.clock.tick++, REFRESH_MS);
        onWillUnmount(() => clearInterval(timer));
    }

    get value() {
        return this.props.record.data[this.props.name];
    }

    get exact() {
        return formatDateTime(this.value);
    }

    get relative() {
        // Reading the tick renders the component again at each tick.
        return this.clock.tick >= 0 && this.value.toRelative({ style: "long" });
    }
}

registry.category("fields").add("tower_relative_time", {
    component: RelativeTimeField,
    displayName: _t("Time ago"),
    supportedTypes: ["datetime"],
});
