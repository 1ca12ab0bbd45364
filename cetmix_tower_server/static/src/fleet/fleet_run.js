import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { formAction } from "../base/form_action";
import { LiveConsole } from "../command/live_console";
import { PlanSteps } from "../plan/plan_steps";
import { elapsedText, isActive, RUN_STATES } from "../run/run_states";
import { RunStatus } from "../run/run_status";
import { useRunActions } from "../run/use_run_actions";
import { useRunFollower } from "../run/use_run_follower";

const MODEL = "cx.tower.fleet.run";
export const PAGE_SIZE = 50;
const HELD = { label: _t("Waiting for its turn"), color: "secondary", icon: "fa-hourglass-o" };
// In the order of the bar and of the filters.
const GROUPS = [
    { key: "done", label: _t("Succeeded"), color: "success" },
    { key: "failed", label: _t("Failed"), color: "danger" },
    { key: "stopped", label: _t("Stopped or not started"), color: "warning" },
    { key: "active", label: _t("To do"), color: "info" },
];

/** The servers of one fleet run, live; a server unfolds to the screen of its run. */
export class FleetRun extends Component {
    static template = "cetmix_tower_server.FleetRun";
    static components = { LiveConsole, PlanSteps, RunStatus };
    static props = {
        fleetId: Number,
        onFinished: { type: Function, optional: true }, // (state) at each read that finds the run ended
    };

    setup() {
        this.orm = useService("orm");
        this.actionService = useService("action");
        this.state = useState(this._initialState());
        this.follower = useRunFollower({
            prop: "fleetId",
            busType: "cetmix_tower_fleet_run",
            onOpen: (fleetId) => this._open(fleetId),
            read: () => this._read(),
            onResult: (run) => this._onResult(run),
        });
        this.actions = useRunActions(MODEL, "fleetId", this.follower);
    }

    _initialState() {
        return {
            run: null, // the last result of `read_progress`
            only: "", // key of the group of servers that is shown; empty: all
            offset: 0,
            openId: false, // log of the server that is unfolded
        };
    }

    // What the template shows

    get run() {
        return this.state.run;
    }

    get progressText() {
        const { counts, total } = this.run;
        return _t("%(done)s of %(total)s servers", { done: total - counts.active, total });
    }

    get limitText() {
        const { concurrency_limit: limit, counts } = this.run;
        if (!limit || this.run.finished) {
            return "";
        }
        return _t("%(working)s running, at most %(limit)s at once", {
            working: counts.active - counts.held,
            limit,
        });
    }

    get failureText() {
        const { stop_after_failures: failures, stop_after_percent: percent, is_halted } = this.run;
        if (is_halted) {
            return _t("Too many servers failed: no more are started");
        }
        if (this.run.finished || !(failures || percent)) {
            return "";
        }
        if (failures && percent) {
            return _t("stops after %(failures)s failures or %(percent)s %%", { failures, percent });
        }
        if (failures === 1) {
            return _t("stops after the first failure");
        }
        return failures ? _t("stops after %s failures", failures) : _t("stops when %s %% failed", percent);
    }

    get groups() {
        const { counts, total } = this.run;
        return GROUPS.map((group) => ({
            ...group,
            count: counts[group.key],
            percent: total ? (100 * counts[group.key]) / total : 0,
        }));
    }

    get pageText() {
        const { matching, rows } = this.run;
        const first = this.state.offset;
        return _t("%(first)s–%(last)s of %(total)s", {
            first: rows.length ? first + 1 : 0,
            last: first + rows.length,
            total: matching,
        });
    }

    get hasPages() {
        return this.state.offset > 0 || this.run.matching > PAGE_SIZE;
    }

    get isLastPage() {
        return this.state.offset + PAGE_SIZE >= this.run.matching;
    }

    rowLook(row) {
        return row.is_held && isActive(row.state) ? HELD : RUN_STATES[row.state];
    }

    rowTime(row) {
        return elapsedText(row, this.follower);
    }

    rowText(row) {
        if (isActive(row.state)) {
            return row.is_held ? HELD.label : row.step || RUN_STATES[row.state].label;
        }
        return row.message || (row.state === "done" ? "" : RUN_STATES[row.state].label);
    }

    rowPercent(row) {
        return row.steps_total ? Math.round((100 * row.steps_done) / row.steps_total) : 0;
    }

    hasExitCode(row) {
        return row.exit_code && ["failed", "interrupted"].includes(row.state);
    }

    isPlan(row) {
        return row.model === "cx.tower.plan.log";
    }

    // Reading

    _open(fleetId) {
        this.fleetId = fleetId;
        Object.assign(this.state, this._initialState());
    }

    _read() {
        return this.orm.silent.call(MODEL, "read_progress", [[this.fleetId]], {
            offset: this.state.offset,
            limit: PAGE_SIZE,
            only: this.state.only,
        });
    }

    _onResult(run) {
        this.state.run = run;
        if (run.finished) {
            this.props.onFinished?.(run.state);
        }
    }

    // What the user does

    toggle(row) {
        this.state.openId = this.state.openId === row.log_id ? false : row.log_id;
    }

    show(only) {
        Object.assign(this.state, { only: this.state.only === only ? "" : only, offset: 0, openId: false });
        this.follower.start();
    }

    turnPage(direction) {
        Object.assign(this.state, { offset: this.state.offset + direction * PAGE_SIZE, openId: false });
        this.follower.start();
    }

    openRun(row) {
        return this.actionService.doAction(formAction(row.model, row.log_id));
    }

    onStop() {
        this.actions.askToStop({
            title: _t("Stop on all servers?"),
            body: _t(
                "“%s”: running commands and all processes they started will be stopped. Servers that wait for their turn are not started.",
                this.run.name,
            ),
        });
    }

    onRetryFailed() {
        this._askToRetry("action_retry_failed", this.run.retry.failed);
    }

    onRetryAllUnfinished() {
        this._askToRetry("action_retry_all_unfinished", this.run.retry.unfinished);
    }

    _askToRetry(method, count) {
        const { name } = this.run;
        this.actions.askToStart(method, {
            title: _t("Run again?"),
            body:
                count === 1
                    ? _t("Run “%s” again on 1 server, with the same inputs?", name)
                    : _t("Run “%(name)s” again on %(count)s servers, with the same inputs?", { name, count }),
            confirmLabel: _t("Run Again"),
        });
    }
}
