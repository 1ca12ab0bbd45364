import { Component, useEffect } from "@odoo/owl";
import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { Dialog } from "@web/core/dialog/dialog";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useChildRef } from "@web/core/utils/hooks";
import { WaypointComparison } from "./waypoint_comparison";

const MODEL = "cx.tower.jet.waypoint";

/** Two waypoints, or one and the jet as it is now, side by side. */
export class ComparisonDialog extends Component {
    static template = "cetmix_tower_jet.ComparisonDialog";
    static components = { Dialog, WaypointComparison };
    static props = { comparison: Object, close: Function };

    setup() {
        this.modalRef = useChildRef();
        // otherwise the dialog would focus the first of the folded parts
        useEffect(
            (el) => el?.querySelector(".modal-footer .btn")?.focus(),
            () => [this.modalRef.el],
        );
    }

    get title() {
        const { before, after } = this.props.comparison;
        return `${before} → ${after}`;
    }
}

/** Asks before a flight, and shows what it will do. If the jet cannot fly there, the reason stands in place of the button. */
export class FlightDialog extends ConfirmationDialog {
    static template = "cetmix_tower_jet.FlightDialog";
    static components = { Dialog, WaypointComparison };
    static props = { ...ConfirmationDialog.props, flight: Object };

    get cancelLabel() {
        return this.props.flight.refusal ? _t("Close") : _t("Cancel");
    }
}

async function askToFly({ orm, dialog, notification, tower_jet_news }, waypointId, onFlown) {
    const flight = await orm.call(MODEL, "read_flight", [[waypointId]]);
    const confirm = async () => {
        try {
            const { state, message } = await orm.call(MODEL, "fly_to", [[waypointId]]);
            if (state === "error") {
                notification.add(message, { title: flight.waypoint, type: "danger" });
            }
            await onFlown?.();
        } finally {
            tower_jet_news.tell([flight.jet]);
        }
    };
    const title = _t("Fly “%(jet)s” to “%(waypoint)s”?", { jet: flight.jet_name, waypoint: flight.waypoint });
    dialog.add(FlightDialog, { title, flight, confirm, cancel: () => {} });
}

/** The action that `action_compare` and `action_ask_to_fly` of a waypoint return. */
async function showComparison({ services }, { params }, options) {
    const { waypoint_id, other_id, flies } = params;
    if (flies) {
        return askToFly(services, waypoint_id, options?.onClose);
    }
    const comparison = await services.orm.call(MODEL, "read_comparison", [[waypoint_id]], {
        other: other_id || null,
    });
    services.dialog.add(ComparisonDialog, { comparison });
}

registry.category("actions").add("cetmix_tower_jet_comparison", showComparison);
