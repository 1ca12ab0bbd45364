import { Component, useState } from "@odoo/owl";
import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { _t } from "@web/core/l10n/translation";
import { ConnectionLostError } from "@web/core/network/rpc";
import { useService } from "@web/core/utils/hooks";
import { formatElapsed, LiveConsole, STATES } from "../command/live_console";
import { useLiveRun } from "../run/use_live_run";
import { PlanSteps } from "../plan/plan_steps";
import { ProgressReader } from "../run/progress_reader";

const MODEL = "cx.tower.fleet.run";
const PLAN_MODEL = "cx.tower.plan.log";
const BUS_TYPE = "cetmix_tower_fleet_run";
export const PAGE_SIZE = 50;
const ACTIVE = ["queued", "running", "waiting"];
const FLEET_STATES = {
    ...STATES,
    stopping: { label: _t("Stopping"), color: "warning", icon: "fa-circle-o-notch fa-spin" },
};
const HELD = { label: _t("Waits for its turn"), color: "secondary", icon: "fa-hourglass-o" };
// In the order of the bar and of the filters.
const GROUPS = [
    { key: "done", label: _t("Succeeded"), color: "success" },
    { key: "failed", label: _t("Failed"), color: "danger" },
    { key: "stopped", label: _t("Stopped or not started"), color: "warning" },
    { key: "active", label: _t("To do"), color: "info" },
];

/** The servers of one fleet run, live, with what goes on on the server one looks at. */
export class FleetRun extends Component {
    static template = "cetmix_tower_server.FleetRun";
    static components = { LiveConsole, PlanSteps };
    static props = {
        fleetId: Number,
        onFinished: { type: Function, optional: true }, // (state) at each reading that finds the run ended
    };

    setup() {
        this.orm = useService("orm");
        this.actionService = useService("action");
        this.dialog = useService("dialog");
        this.state = useState(this._initialState());
        this.live = useLiveRun({
            prop: "fleetId",
            busType: BUS_TYPE,
            open: (fleetId) => this._open(fleetId),
            close: () => this._close(),
            onHint: () => this.reader?.hint(),
            onTick: () => this._tick(),
        });
    }

    _initialState() {
        return {
            run: null, // how it stands; unknown until the first read
            now: Date.now(),
            error: "",
            isOffline: false,
            isStopping: false,
            isBusy: false,
            only: "", // group of servers to show
            offset: 0,
            openId: false, // log of the server that is unfolded
        };
    }

    // What the template shows

    get run() {
        return this.state.run;
    }

    get runState() {
        return FLEET_STATES[this.run.state];
    }

    get elapsed() {
        const since = this.run.finished ? 0 : Math.max(0, this.state.now - this.readDate) / 1000;
        return formatElapsed(this.run.duration + since);
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
        return _t("%(working)s at work, %(limit)s at once", { working: counts.active - counts.held, limit });
    }

    get failureText() {
        const { stop_after_failures: failures, stop_after_percent: percent, is_halted } = this.run;
        if (is_halted) {
            return _t("No further servers are started: too many failed");
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

    get stopText() {
        const by = this.run.stop_requested_by;
        if (by) {
            return this.run.finished ? _t("Stopped by %s", by) : _t("Stop requested by %s", by);
        }
        return this.state.isStopping && !this.run.finished ? _t("Stop requested") : "";
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
        return row.is_held && ACTIVE.includes(row.state) ? HELD : STATES[row.state];
    }

    rowTime(row) {
        const isCounting = ACTIVE.includes(row.state) && row.state !== "queued";
        const since = isCounting ? Math.max(0, this.state.now - this.readDate) / 1000 : 0;
        return isCounting || row.duration ? formatElapsed(row.duration + since) : "";
    }

    rowText(row) {
        if (ACTIVE.includes(row.state)) {
            return row.is_held ? HELD.label : row.step || STATES[row.state].label;
        }
        return row.message || (row.state === "done" ? "" : STATES[row.state].label);
    }

    rowPercent(row) {
        return row.steps_total ? Math.round((100 * row.steps_done) / row.steps_total) : 0;
    }

    hasExitCode(row) {
        return row.exit_code && ["failed", "interrupted"].includes(row.state);
    }

    isPlan(row) {
        return row.model === PLAN_MODEL;
    }

    // Life of one fleet run

    _open(fleetId) {
        this.fleetId = fleetId;
        Object.assign(this.state, this._initialState());
        this._startReading();
    }

    _startReading() {
        this.reader?.stop();
        this.reader = new ProgressReader({
            read: () =>
                this.orm.silent.call(MODEL, "read_progress", [[this.fleetId]], {
                    offset: this.state.offset,
                    limit: PAGE_SIZE,
                    only: this.state.only,
                }),
            onResult: (result) => this._onResult(result),
            onError: (error) => this._onReadError(error),
        });
        return this.reader.start();
    }

    _close() {
        this.reader?.stop();
        this.reader = null;
    }

    _tick() {
        if (this.run && !this.run.finished && !document.hidden) {
            this.state.now = Date.now();
        }
    }

    _onResult(run) {
        this.readDate = Date.now();
        Object.assign(this.state, { run, error: "", isOffline: false, now: this.readDate });
        if (run.finished) {
            this.state.isStopping = false;
            this.props.onFinished?.(run.state);
        }
    }

    _onReadError(error) {
        if (error instanceof ConnectionLostError) {
            this.state.isOffline = true;
            return true;
        }
        this.state.error = error.data?.message || error.message || String(error);
        return false;
    }

    // What a person does

    onRetry() {
        this.live.reopen();
    }

    toggle(row) {
        this.state.openId = this.state.openId === row.log_id ? false : row.log_id;
    }

    show(only) {
        Object.assign(this.state, { only: this.state.only === only ? "" : only, offset: 0, openId: false });
        return this._startReading();
    }

    turnPage(direction) {
        Object.assign(this.state, { offset: this.state.offset + direction * PAGE_SIZE, openId: false });
        return this._startReading();
    }

    openRun(row) {
        return this.actionService.doAction({
            type: "ir.actions.act_window",
            res_model: row.model,
            res_id: row.log_id,
            views: [[false, "form"]],
        });
    }

    onStop() {
        this.dialog.add(ConfirmationDialog, {
            title: _t("Stop on all servers?"),
            body: _t(
                "“%s”: what is running, and everything it started on the hosts, will be ended. On servers that wait for their turn nothing is started.",
                this.run.name,
            ),
            confirmLabel: _t("Stop"),
            confirmClass: "btn-danger",
            confirm: () => this._stop(),
            cancelLabel: _t("Keep running"),
            cancel: () => {},
        });
    }

    async _stop() {
        this.state.isStopping = true;
        try {
            await this.orm.call(MODEL, "action_stop", [[this.fleetId]]);
        } catch (error) {
            this.state.isStopping = false;
            throw error;
        }
        this.reader?.hint();
    }

    onRetryFailed() {
        this._ask("action_retry_failed", this.run.retry.failed);
    }

    onRetryAllUnfinished() {
        this._ask("action_retry_all_unfinished", this.run.retry.unfinished);
    }

    _ask(method, count) {
        this.dialog.add(ConfirmationDialog, {
            title: _t("Run again"),
            body:
                count === 1
                    ? _t("Run “%s” again on 1 server, with the same inputs?", this.run.name)
                    : _t("Run “%(name)s” again on %(count)s servers, with the same inputs?", {
                          name: this.run.name,
                          count,
                      }),
            confirmLabel: _t("Run Again"),
            confirm: () => this._again(method),
            cancel: () => {},
        });
    }

    /** Two clicks are one start. */
    async _again(method) {
        if (this.state.isBusy) {
            return;
        }
        this.state.isBusy = true;
        try {
            await this.actionService.doActionButton({
                type: "object",
                resModel: MODEL,
                resId: this.fleetId,
                name: method,
            });
        } finally {
            this.state.isBusy = false;
        }
    }
}
