import { Component, onWillStart, onWillUnmount, useExternalListener, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";

const MODEL = "cetmix.tower";
const REFRESH_MS = 10000;

const STATUSES = {
    ok: { color: "success", icon: "fa-check-circle" },
    warning: { color: "warning", icon: "fa-exclamation-triangle" },
    error: { color: "danger", icon: "fa-times-circle" },
};
// How the values of some checks are shown; all others are counts.
const UNITS = {
    oldest: (value) => formatAge(value),
    cron: (value) => formatAge(value),
    output: (value) => _t("%s MB", value.toLocaleString()),
    clock: (value) => _t("%s s", value),
};

/**
 * @param {number} seconds
 * @returns {string} such as "42 s", "7 min" or "3 h"
 */
export function formatAge(seconds) {
    if (seconds < 120) {
        return _t("%s s", seconds);
    }
    return seconds < 7200 ? _t("%s min", Math.floor(seconds / 60)) : _t("%s h", Math.floor(seconds / 3600));
}

/** The health of Tower itself: a tile for each check, read again every few seconds while the page is visible. */
export class Health extends Component {
    static template = "cetmix_tower_server.Health";
    static components = { Layout };
    static props = { ...standardActionServiceProps };
    static path = "cetmix_tower_health";
    static displayName = _t("Health");

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({ status: "", checks: [], error: "", seconds: 0 });
        this.display = { controlPanel: {} };
        onWillStart(() => this.read());
        const timer = browser.setInterval(() => this.tick(), 1000);
        onWillUnmount(() => browser.clearInterval(timer));
        useExternalListener(document, "visibilitychange", () => this.tick());
    }

    async read() {
        this.isReading = true;
        try {
            const health = await this.orm.silent.call(MODEL, "get_health", []);
            Object.assign(this.state, { status: health.status, checks: health.checks, error: "" });
            this.readAt = Date.now();
        } catch (error) {
            this.state.error =
                error.data?.message || _t("Tower did not answer. The page tries again automatically.");
        } finally {
            this.isReading = false;
            this.triedAt = Date.now();
            this.tick();
        }
    }

    tick() {
        this.state.seconds = this.readAt ? Math.round((Date.now() - this.readAt) / 1000) : 0;
        if (!document.hidden && !this.isReading && Date.now() - this.triedAt >= REFRESH_MS) {
            this.read();
        }
    }

    get summary() {
        const count = this.state.checks.filter((check) => check.status !== "ok").length;
        if (!count) {
            return _t("Everything is fine.");
        }
        return count === 1 ? _t("One check needs attention.") : _t("%s checks need attention.", count);
    }

    /** The checks that need attention come first. */
    get checks() {
        const order = Object.keys(STATUSES);
        return [...this.state.checks].sort((a, b) => order.indexOf(b.status) - order.indexOf(a.status));
    }

    look(status) {
        return STATUSES[status] || STATUSES.ok;
    }

    value(check) {
        return (UNITS[check.name] || ((value) => value.toLocaleString()))(check.value);
    }

    async open(check) {
        if (check.has_details) {
            await this.action.doAction(await this.orm.call(MODEL, "open_health_check", [check.name]));
        }
    }
}

registry.category("actions").add("cetmix_tower_health", Health);
