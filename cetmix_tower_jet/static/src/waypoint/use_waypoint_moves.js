import { useEnv } from "@odoo/owl";
import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { _t } from "@web/core/l10n/translation";

const MODEL = "cx.tower.jet.waypoint";

/**
 * Moves waypoints, after a question that says what will be run and what stays.
 *
 * @returns {Function} `ask(movement, waypoint)`: `prepare`, `flight`, `reset` or `delete`; a waypoint has `id`, `name` and `jetId`
 */
export function useWaypointMoves() {
    // Not useService: a row may be drawn anew between the click and the answer, and the question is to be asked all the same.
    const { orm, action, dialog, tower_jet_news } = useEnv().services;
    const { tell } = tower_jet_news;
    let isAsking = false; // a double click asks once

    const questions = {
        prepare: (name) => ({
            title: _t("Prepare “%s”?", name),
            confirmLabel: _t("Prepare"),
            method: "action_prepare",
        }),
        reset: (name) => ({
            title: _t("Reset “%s”?", name),
            confirmLabel: _t("Reset"),
            method: "action_reset",
        }),
        delete: (name) => ({
            title: _t("Delete “%s”?", name),
            confirmLabel: _t("Delete"),
            confirmClass: "btn-danger",
            method: "action_delete",
        }),
    };

    async function askWith({ method, ...question }, movement, { id, jetId }) {
        const body = await orm.call(MODEL, "describe_movement", [[id], movement]);
        const confirm = async () => {
            try {
                await orm.call(MODEL, method, [[id]]);
            } finally {
                tell([jetId]);
            }
        };
        dialog.add(ConfirmationDialog, { ...question, body, confirm, cancel: () => {} });
    }

    return async (movement, waypoint) => {
        if (isAsking) {
            return;
        }
        isAsking = true;
        try {
            if (movement === "flight") {
                await action.doAction(await orm.call(MODEL, "action_ask_to_fly", [[waypoint.id]]));
            } else {
                await askWith(questions[movement](waypoint.name), movement, waypoint);
            }
        } catch (error) {
            tell([waypoint.jetId]); // the screen may be older than the waypoint
            throw error;
        } finally {
            isAsking = false;
        }
    };
}
