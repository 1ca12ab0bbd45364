import { Component, onWillStart, status, useRef, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { formAction } from "../base/form_action";
import { DryRunLines } from "./dry_run_lines";

const SERVERS_PER_CALL = 50;
const PAGE = 200; // servers that are checked without asking
const OPENED_AT_ONCE = 3;

/** The report of a dry run: on which servers a flight plan is ready to run, and what it would do on each. */
export class DryRun extends Component {
    static template = "cetmix_tower_server.DryRun";
    static components = { DryRunLines, Layout };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.notification = useService("notification");
        this.list = useRef("list");
        this.text = useRef("text");
        this.params = this.readParams();
        this.state = useState({
            loading: false,
            error: "",
            plan: null,
            servers: [],
            total: 0,
            onlyProblems: false,
            opened: {},
            showsCode: false,
            text: "",
        });
        onWillStart(() => {
            // Not awaited: the page appears at once and says that it is loading.
            this.load(0);
        });
    }

    /** The plan and servers: from the action or, when the page is reloaded, from its URL. */
    readParams() {
        const params = { ...this.props.action.params };
        if (["string", "number"].includes(typeof params.server_ids)) {
            params.server_ids = String(params.server_ids).split(",").filter(Boolean).map(Number);
        }
        const ids = params.server_ids;
        // Custom values stay out of the URL, so a page with such values cannot be reloaded.
        if (
            params.plan_id &&
            !Object.keys(params.variable_values || {}).length &&
            (ids?.length ?? 0) <= PAGE
        ) {
            const state = { plan_id: params.plan_id };
            this.props.updateActionState?.(ids ? { ...state, server_ids: ids.join(",") } : state);
        }
        return params;
    }

    /** Arguments of the report, as the server's methods take them. */
    get arguments() {
        return {
            servers: this.params.server_ids ?? null,
            variable_values: this.params.variable_values || {},
        };
    }

    async call(method, offset, limit = SERVERS_PER_CALL) {
        return this.orm.silent.call("cx.tower.plan", method, [[this.params.plan_id]], {
            ...this.arguments,
            offset,
            limit,
        });
    }

    /** Loads a page of servers, a few at a time, and adds it to the report; offset 0 starts a new report. */
    async load(offset) {
        Object.assign(this.state, { loading: true, error: "", text: "" });
        try {
            if (!this.params.plan_id) {
                throw new Error(_t("Open the dry run from a flight plan."));
            }
            const end = offset + PAGE;
            do {
                const report = await this.call("dry_run", offset);
                this.take(report, offset);
                offset += SERVERS_PER_CALL;
            } while (offset < Math.min(end, this.state.total) && status(this) !== "destroyed");
        } catch (error) {
            this.state.error = error.data?.message || error.message || _t("Tower did not answer. Try again.");
        } finally {
            this.state.loading = false;
        }
    }

    take(report, offset) {
        this.state.plan = report.plan;
        this.env.config.setDisplayName?.(_t("Dry run of %s", report.plan.name));
        this.state.total = report.summary.total;
        this.state.servers = [...(offset ? this.state.servers : []), ...report.servers];
        if (!offset) {
            this.openFirst();
        }
    }

    /** Opens a few servers, or the first one with problems. */
    openFirst() {
        const servers = this.servers;
        const opened =
            servers.length <= OPENED_AT_ONCE ? servers : servers.filter((row) => !row.ok).slice(0, 1);
        this.state.opened = Object.fromEntries(opened.map((row) => [row.server.id, true]));
    }

    /** The servers that are shown, those with problems first. */
    get servers() {
        const shown = this.state.onlyProblems
            ? this.state.servers.filter((row) => !row.ok)
            : this.state.servers;
        return [...shown.filter((row) => !row.ok), ...shown.filter((row) => row.ok)];
    }

    get readyIds() {
        return this.state.servers.filter((row) => row.ok).map((row) => row.server.id);
    }

    get left() {
        return this.state.total - this.state.servers.length;
    }

    get summaryText() {
        const ready = this.readyIds.length;
        const count = this.state.servers.length;
        const broken = count - ready;
        if (!count && !this.state.loading) {
            return _t("There are no servers to run the flight plan on.");
        }
        const warned = this.state.servers.filter((row) => row.ok && this.hasWarnings(row)).length;
        let text = _t("All %s servers are ready.", count);
        if (count === 1) {
            text = broken
                ? _t("The server has problems.")
                : warned
                  ? _t("No problems were found, but there are warnings.")
                  : _t("The server is ready.");
        } else if (broken) {
            text = _t("%(ready)s of %(count)s servers are ready, %(broken)s have problems.", {
                ready,
                count,
                broken,
            });
        } else if (warned) {
            text = _t("No problems were found, but there are warnings for %(warned)s of %(count)s servers.", {
                warned,
                count,
            });
        }
        if (this.state.loading) {
            return _t("%(count)s of %(total)s servers have been checked.", {
                count,
                total: this.state.total,
            });
        }
        return this.left > 0
            ? `${text} ${_t("%s more servers have not been checked yet.", this.left)}`
            : text;
    }

    hasWarnings(row) {
        return row.problems.some((problem) => problem.severity === "warning");
    }

    /** A server's result in a few words. */
    stateOf(row) {
        if (!row.ok) {
            return _t("Has problems");
        }
        return this.hasWarnings(row) ? _t("Ready, with warnings") : _t("Ready");
    }

    countsOf(row) {
        const parts = [];
        if (row.would_run) {
            parts.push(row.would_run === 1 ? _t("1 line runs") : _t("%s lines run", row.would_run));
        }
        if (row.skipped) {
            parts.push(_t("%s skipped", row.skipped));
        }
        if (row.undecided) {
            parts.push(_t("%s decided later", row.undecided));
        }
        return parts.join(", ") || _t("Nothing runs");
    }

    /** Kinds of problems and warnings of a server, each once, in the order of the report. */
    badgesOf(row) {
        const badges = new Map();
        for (const problem of row.problems) {
            const badge = badges.get(problem.kind) || { ...problem, count: 0 };
            badge.count += 1;
            badges.set(problem.kind, badge);
        }
        return [...badges.values()].filter((badge) => badge.severity !== "information");
    }

    labelOf(kind) {
        const labels = {
            value_missing: _t("value missing"),
            value_invalid: _t("invalid value"),
            secret_missing: _t("secret missing"),
            template: _t("template"),
            file: _t("file"),
            code: _t("code"),
            server: _t("server"),
            condition: _t("condition"),
            comparison: _t("comparison"),
            incompatible: _t("not for this server"),
            empty_plan: _t("no lines"),
            recursion: _t("runs itself"),
            connection: _t("connection"),
            sudo: _t("sudo"),
            running: _t("already running"),
            system: _t("other system"),
            above_level: _t("above your level"),
        };
        return labels[kind] || kind;
    }

    toggle(row) {
        this.state.opened[row.server.id] = !this.state.opened[row.server.id];
    }

    toggleAll(isOpen) {
        this.state.opened = Object.fromEntries(this.servers.map((row) => [row.server.id, isOpen]));
    }

    /** The up and down keys move from server to server. */
    onKeydown(event) {
        const steps = { ArrowDown: 1, ArrowUp: -1 };
        if (!(event.key in steps) || !event.target.matches(".o_tower_dry_run_toggle")) {
            return;
        }
        const rows = [...this.list.el.querySelectorAll(".o_tower_dry_run_toggle")];
        rows[rows.indexOf(event.target) + steps[event.key]]?.focus();
        event.preventDefault();
    }

    async copy() {
        const parts = [];
        for (let offset = 0; offset < this.state.servers.length; offset += SERVERS_PER_CALL) {
            parts.push(await this.call("dry_run_text", offset));
        }
        const text = parts.join("\n");
        try {
            await browser.navigator.clipboard.writeText(text);
            this.notification.add(_t("The report was copied."), { type: "success" });
        } catch {
            // Browsers allow it only to pages that came over HTTPS.
            this.state.text = text;
        }
    }

    selectText(event) {
        event.target.select();
    }

    async openServer(row) {
        await this.action.doAction(formAction("cx.tower.server", row.server.id));
    }

    async runReady() {
        const action = await this.orm.call(
            "cx.tower.plan",
            "action_run_on_servers",
            [[this.params.plan_id]],
            {
                servers: this.readyIds,
                variable_values: this.arguments.variable_values,
            },
        );
        await this.action.doAction(action);
    }
}

registry.category("actions").add("cetmix_tower_dry_run", DryRun);
