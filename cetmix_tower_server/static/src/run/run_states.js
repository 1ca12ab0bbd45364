import { _t } from "@web/core/l10n/translation";

export const RUN_STATES = {
    queued: { label: _t("Queued"), color: "secondary", icon: "fa-clock-o" },
    running: { label: _t("Running"), color: "info", icon: "fa-circle-o-notch fa-spin" },
    waiting: { label: _t("Waiting"), color: "info", icon: "fa-hourglass-half" },
    stopping: { label: _t("Stopping"), color: "warning", icon: "fa-circle-o-notch fa-spin" },
    done: { label: _t("Done"), color: "success", icon: "fa-check" },
    failed: { label: _t("Failed"), color: "danger", icon: "fa-times" },
    skipped: { label: _t("Skipped"), color: "secondary", icon: "fa-step-forward" },
    stopped: { label: _t("Stopped"), color: "warning", icon: "fa-stop" },
    interrupted: { label: _t("Interrupted"), color: "danger", icon: "fa-chain-broken" },
};

/** Whether a run in this state has not ended yet. `stopping` is a state of fleet runs. */
export function isActive(state) {
    return ["queued", "running", "waiting", "stopping"].includes(state);
}

/**
 * @param {number} seconds
 * @returns {string} such as "0:07", "12:30" or "1:02:03"
 */
export function formatElapsed(seconds) {
    const whole = Math.max(0, Math.floor(seconds));
    const pad = (number) => String(number).padStart(2, "0");
    const minutes = Math.floor(whole / 60) % 60;
    const hours = Math.floor(whole / 3600);
    return hours ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}

/**
 * Returns how long a run has taken. While it is active, the time since it was read is added.
 *
 * @param {{state: string, duration: number}} run
 * @param {{now: number, readDate: number}} follower see `useRunFollower`
 * @returns {string} empty if it has not started
 */
export function elapsedText({ state, duration }, { now, readDate }) {
    if (isActive(state) && state !== "queued") {
        return formatElapsed(duration + Math.max(0, now - readDate) / 1000);
    }
    return duration ? formatElapsed(duration) : "";
}
