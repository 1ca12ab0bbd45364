import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";

/**
 * Moves jets, after a question that says what will be run and who is hit.
 *
 * @returns {Object} `askToTrigger(jet, action)`, `askToBring(jet, state)`, `askToStop(jet)`; each of them takes objects with
 *     `id` and `name`, a state also with `reference`
 */
export function useJetMoves() {
    const orm = useService("orm");
    const dialog = useService("dialog");
    const notification = useService("notification");
    const { tell } = useService("tower_jet_news");
    let isAsking = false; // a double click asks once

    async function ask(jet, title, confirmLabel, describe, move, confirmClass = "btn-primary") {
        if (isAsking) {
            return;
        }
        isAsking = true;
        const onClose = () => {
            isAsking = false;
        };
        try {
            const body = await describe();
            const question = { title, body, confirmLabel, confirmClass, cancel: () => {} };
            const confirm = async () => {
                try {
                    show(jet, await move());
                } finally {
                    tell([jet.id]);
                }
            };
            dialog.add(ConfirmationDialog, { ...question, confirm }, { onClose });
        } catch (error) {
            onClose();
            throw error;
        }
    }

    function show(jet, result) {
        if (result?.state === "failed") {
            notification.add(result.message, { title: jet.name, type: "danger" });
        } else if (result && !result.transition && result.message) {
            notification.add(result.message, { type: "info" });
        }
    }

    return {
        askToTrigger(jet, action) {
            const names = { action: action.name, jet: jet.name };
            return ask(
                jet,
                _t("%(action)s: “%(jet)s”?", names),
                action.name,
                () => orm.call("cx.tower.jet", "describe_action", [[jet.id], action.id]),
                () => orm.call("cx.tower.jet.action", "trigger", [[action.id]], { jet: jet.id }),
            );
        },
        askToBring(jet, state) {
            const names = { state: state.name, jet: jet.name };
            return ask(
                jet,
                _t("Bring “%(jet)s” to “%(state)s”?", names),
                _t("Bring to %s", state.name),
                () => orm.call("cx.tower.jet", "describe_state", [[jet.id], state.reference]),
                () => orm.call("cx.tower.jet", "bring_to_state", [[jet.id], state.reference]),
            );
        },
        askToStop(jet) {
            return ask(
                jet,
                _t("Stop what “%s” is busy with?", jet.name),
                _t("Stop"),
                () =>
                    _t(
                        "The running step and all processes it started on the host will be stopped. The steps and actions after it will not run.",
                    ),
                () => orm.call("cx.tower.jet", "stop", [[jet.id]]).then(() => null),
                "btn-danger",
            );
        },
    };
}
