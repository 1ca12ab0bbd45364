import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/**
 * @param {number} bytes
 * @returns {string} such as "12 B", "1.5 MB"
 */
export function formatBytes(bytes) {
    let value = bytes;
    let unit = 0;
    while (value >= 1000 && unit < UNITS.length - 1) {
        value /= 1000;
        unit++;
    }
    return `${unit && value < 100 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

/**
 * @param {{done: number, total: number, text: string}} progress as the run reports it; in bytes if there is a `text`, otherwise in files
 */
export function describeProgress({ done, total, text }) {
    if (!text) {
        return _t("%(done)s of %(total)s files", { done, total });
    }
    return total
        ? _t("%(text)s: %(done)s of %(total)s", { text, done: formatBytes(done), total: formatBytes(total) })
        : _t("%(text)s: %(done)s", { text, done: formatBytes(done) });
}

/** A progress bar for a run. */
export class RunProgress extends Component {
    static template = "cetmix_tower_server.RunProgress";
    static props = { progress: Object };

    get percent() {
        const { done, total } = this.props.progress;
        return total > 0 ? Math.min(100, Math.round((100 * done) / total)) : 0;
    }

    get text() {
        return describeProgress(this.props.progress);
    }
}
