import { onMounted, onWillUnmount, onWillUpdateProps, useComponent, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { ConnectionLostError } from "@web/core/network/rpc";
import { RunFollower } from "./run_follower";
import { useRunChannel } from "./use_run_channel";

const TICK_MS = 1000;

/**
 * Follows a run while the component is mounted. When the component gets another run, it follows that one.
 *
 * @param {Object} options
 * @param {string} options.prop name of the prop with the run's id
 * @param {string} options.busType type of the run's announcements
 * @param {() => number} [options.announcedId] id in the announcements, where it is not the run's own
 * @param {(id: number) => void | Promise<void>} options.onOpen prepares the component for a run; reading starts afterwards
 * @param {() => void} [options.onClose]
 * @param {() => Promise<{finished: boolean, more?: boolean}>} options.read see `RunFollower`
 * @param {(result: Object) => void | Promise<void>} options.onResult
 * @param {(payload: Object) => void} [options.onAnnouncement]
 * @returns {Object} a reactive object with
 *     `error` (text) and `isOffline`: why the run cannot be read at the moment;
 *     `now` and `readDate` (milliseconds): the time, updated every second until the run has ended, and the time of the last read;
 *     `start()`: reads at once and drops a read in progress; `hint()`: reads soon; `reopen()`: starts from scratch
 */
export function useRunFollower(options) {
    const component = useComponent();
    const state = useState({ error: "", isOffline: false, now: Date.now(), readDate: Date.now() });
    let runId = null;
    let opening = null; // identifies the last call of open
    let ticker = null;

    const showError = (error) => {
        state.isOffline = error instanceof ConnectionLostError;
        state.error = state.isOffline ? "" : error.data?.message || error.message || String(error);
    };
    const showTime = () => {
        state.now = Date.now();
    };
    const follower = new RunFollower({
        read: options.read,
        onResult(result) {
            showTime();
            Object.assign(state, { error: "", isOffline: false, readDate: state.now });
            return options.onResult(result);
        },
        onError(error) {
            showError(error);
            return state.isOffline;
        },
    });
    const channel = useRunChannel(options.busType, (payload) => {
        if (payload.id === (options.announcedId?.() || runId)) {
            options.onAnnouncement?.(payload);
            follower.hint();
        }
    });

    async function open(id) {
        const current = (opening = {});
        runId = id;
        showTime();
        Object.assign(state, { error: "", isOffline: false, readDate: state.now });
        channel.listen(id);
        try {
            await options.onOpen(id);
            if (opening === current) {
                follower.start();
            }
        } catch (error) {
            if (opening === current) {
                showError(error);
            }
        }
    }

    function close() {
        opening = null;
        follower.stop();
        options.onClose?.();
    }

    function reopen(id = runId) {
        close();
        return open(id);
    }

    onMounted(() => {
        ticker = browser.setInterval(() => {
            if (follower.isFollowing && !document.hidden) {
                showTime();
            }
        }, TICK_MS);
        open(component.props[options.prop]);
    });
    onWillUpdateProps((props) => {
        if (props[options.prop] !== runId) {
            reopen(props[options.prop]);
        }
    });
    onWillUnmount(() => {
        browser.clearInterval(ticker);
        close();
    });
    return Object.assign(state, {
        start: () => follower.start(),
        hint: () => follower.hint(),
        reopen: () => reopen(),
    });
}
