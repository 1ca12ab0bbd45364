import { onWillUpdateProps, useComponent, useState } from "@odoo/owl";
import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";

/**
 * Stops or starts the run that a component shows, after a confirmation.
 *
 * @param {string} model of the run
 * @param {string} prop name of the prop with the run's id
 * @param {Object} follower of the run, see `useRunFollower`
 * @returns {Object} a reactive object with
 *     `isStopping`: a stop was requested; `isStarting`: a run is being started;
 *     `askToStop(question)` and `askToStart(method, question)`: ask for confirmation first
 */
export function useRunActions(model, prop, follower) {
    const component = useComponent();
    const action = useService("action");
    const dialog = useService("dialog");
    const state = useState({ isStopping: false, isStarting: false });

    onWillUpdateProps((props) => {
        if (props[prop] !== component.props[prop]) {
            state.isStopping = false;
        }
    });

    /** Calls a method like a button of the form: the returned action is executed. */
    function press(name) {
        const resId = component.props[prop];
        return action.doActionButton({ type: "object", resModel: model, resId, name });
    }

    async function stop() {
        state.isStopping = true;
        try {
            await press("action_stop");
        } catch (error) {
            state.isStopping = false;
            throw error;
        }
        follower.hint();
    }

    /** A double click starts one run. */
    async function start(method) {
        if (state.isStarting) {
            return;
        }
        state.isStarting = true;
        try {
            await press(method);
        } finally {
            state.isStarting = false;
        }
    }

    return Object.assign(state, {
        /** @param {{title: string, body: string}} question */
        askToStop(question) {
            dialog.add(ConfirmationDialog, {
                ...question,
                confirmLabel: _t("Stop"),
                confirmClass: "btn-danger",
                confirm: stop,
                cancelLabel: _t("Keep Running"),
                cancel: () => {},
            });
        },
        /**
         * @param {string} method that starts a run
         * @param {{title: string, body: string, confirmLabel: string}} question
         */
        askToStart(method, question) {
            dialog.add(ConfirmationDialog, { ...question, confirm: () => start(method), cancel: () => {} });
        },
    });
}
