import { Component, xml } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { useWaypointMoves } from "./use_waypoint_moves";

const READ = [
    { name: "name", type: "char" },
    { name: "state", type: "selection" },
    { name: "jet_id", type: "many2one", relation: "cx.tower.jet" },
    { name: "why_no_prepare", type: "char", readonly: true },
    { name: "why_no_flight", type: "char", readonly: true },
    { name: "why_no_reset", type: "char", readonly: true },
    { name: "why_no_deletion", type: "char", readonly: true },
];

/**
 * `<widget name="tower_waypoint_buttons"/>` in lists and on cards of waypoints: what can be done with the waypoint.
 *
 * Prepare is for drafts and Reset for waypoints in error; Fly here and Delete are always shown. A button that cannot be used says why:
 * in its tooltip and, as there is none on a phone, when it is pressed.
 */
export class WaypointButtons extends Component {
    static template = "cetmix_tower_jet.WaypointButtons";
    static props = { ...standardWidgetProps, small: { type: Boolean, optional: true } };
    static defaultProps = { small: true };

    setup() {
        this.ask = useWaypointMoves();
        this.notification = useService("notification");
    }

    get buttons() {
        const { data } = this.props.record;
        const buttons = [
            { movement: "flight", label: _t("Fly here"), reason: data.why_no_flight },
            { movement: "delete", label: _t("Delete"), reason: data.why_no_deletion },
        ];
        if (data.state === "draft") {
            buttons.unshift({ movement: "prepare", label: _t("Prepare"), reason: data.why_no_prepare });
        } else if (data.state === "error") {
            buttons.unshift({ movement: "reset", label: _t("Reset"), reason: data.why_no_reset });
        }
        return buttons.map((button, index) => ({ ...button, className: this.classOf(button, index) }));
    }

    classOf({ movement, reason }, index) {
        const color = movement === "delete" ? "btn-outline-danger" : index ? "btn-secondary" : "btn-primary";
        return `${this.props.small ? "btn-sm " : ""}${reason ? "btn-secondary opacity-50" : color}`;
    }

    press({ movement, reason, label }) {
        if (reason) {
            this.notification.add(reason, { title: label, type: "info" });
            return;
        }
        const { resId, data } = this.props.record;
        return this.ask(movement, { id: resId, name: data.name, jetId: data.jet_id.id });
    }
}

registry.category("view_widgets").add("tower_waypoint_buttons", {
    component: WaypointButtons,
    listViewWidth: 240,
    fieldDependencies: READ,
});

/** `<widget name="tower_waypoint_header"/>` among the buttons of a waypoint's form. */
export class WaypointHeader extends Component {
    static template = xml`<WaypointButtons record="props.record" readonly="props.readonly" small="false" />`;
    static components = { WaypointButtons };
    static props = { ...standardWidgetProps };
}

registry.category("view_widgets").add("tower_waypoint_header", {
    component: WaypointHeader,
    fieldDependencies: READ,
});
