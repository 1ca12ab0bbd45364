import { Component, onPatched, useRef, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { _t } from "@web/core/l10n/translation";
import { ConnectionLostError } from "@web/core/network/rpc";
import { useService } from "@web/core/utils/hooks";
import { formatElapsed, LiveConsole, STATES } from "../command/live_console";
import { useLiveRun } from "../run/use_live_run";
import { PlanStepRow } from "./plan_step_row";
import { ProgressReader } from "../run/progress_reader";
import { StepTree } from "./step_tree";

const MODEL = "cx.tower.plan.log";
const COMMAND_MODEL = "cx.tower.command.log";
const BUS_TYPE = "cetmix_tower_plan_log";
const SHOW_DELAY_MS = 150; // who holds an arrow key down does not want to see each step on the way
const FOLLOW_PAUSE_MS = 1000; // where steps take no time, a console for each of them would keep the browser busy
const ACTIVE = ["queued", "running", "waiting"];
const PAGE = 500; // lines of a long plan that are read at once

/** The steps of one flight plan run, live, with the output of the step one looks at. */
export class PlanSteps extends Component {
    static template = "cetmix_tower_server.PlanSteps";
    static components = { LiveConsole, PlanStepRow };
    static props = {
        logId: Number,
        topId: { type: Number, optional: true }, // of the outermost run, which is the one that is announced
        onFinished: { type: Function, optional: true }, // (state) at each reading that finds the run ended
    };

    setup() {
        this.orm = useService("orm");
        this.actionService = useService("action");
        this.dialog = useService("dialog");
        this.list = useRef("list");
        this.state = useState(this._initialState());
        this.tree = new StepTree();
        this.live = useLiveRun({
            prop: "logId",
            busType: BUS_TYPE,
            announcedId: () => this.props.topId,
            open: (logId) => this._open(logId),
            close: () => this._close(),
            onHint: () => this.reader?.hint(),
            onTick: () => this._tick(),
        });
        onPatched(() => this._showSelected());
    }

    _initialState() {
        return {
            run: null, // how the run stands; unknown until the first read
            version: 0, // of the steps
            now: Date.now(),
            error: "",
            isOffline: false,
            isStopping: false,
            isBusy: false,
            isFollowing: true,
            offset: null, // line to read from; null: those around the one that was reached
            selectedKey: "",
            shownKey: "", // the same, at times a moment later
            folds: {}, // what a person opened (false) and folded (true)
        };
    }

    // What the template shows

    get run() {
        return this.state.run;
    }

    get runState() {
        return STATES[this.run?.state] || null;
    }

    get isActive() {
        return ACTIVE.includes(this.run?.state);
    }

    get elapsed() {
        const { state, duration } = this.run;
        const isCounting = this.isActive && state !== "queued";
        const since = isCounting ? Math.max(0, this.state.now - this.readDate) / 1000 : 0;
        return isCounting || duration ? formatElapsed(duration + since) : "";
    }

    get exitText() {
        return this.isActive || this.run.state === "skipped" ? "" : _t("Exit code %s", this.run.exit_code);
    }

    get stopText() {
        const by = this.run.stop_requested_by;
        if (!by) {
            return this.state.isStopping && this.isActive ? _t("Stop requested") : "";
        }
        return this.isActive ? _t("Stop requested by %s", by) : _t("Stopped by %s", by);
    }

    get canStop() {
        return !this.state.isStopping && !this.run.stop_requested_by;
    }

    get progressText() {
        return _t("%(done)s of %(total)s steps", { done: this.run.steps_done, total: this.run.steps_total });
    }

    get progressPercent() {
        const { steps_done: done, steps_total: total } = this.run;
        return total ? Math.min(100, Math.round((100 * done) / total)) : 0;
    }

    get progressColor() {
        return this.isActive ? "info" : this.runState.color;
    }

    get rows() {
        return this.state.version ? this.tree.visible((step) => this.isOpen(step)) : [];
    }

    /** Folded are plans whose steps have ended, unless one of these is the step to look at. */
    isOpen(step) {
        return step.hasSteps && !this._isFolded(step);
    }

    _isFolded(step) {
        return this.state.folds[step.key] ?? !(step.isActive || step.contains(this.state.selectedKey));
    }

    get selected() {
        return this.state.version ? this.tree.get(this.state.selectedKey) : null;
    }

    /** The step whose details are shown: of a plan that is going on, what goes on in it. */
    get shown() {
        const step = this.state.version ? this.tree.get(this.state.shownKey) : null;
        return step?.isPlan && step.isActive ? this.tree.activeInside(step) : step;
    }

    /** The log whose output is shown: a step that runs a plan prints nothing itself. */
    get consoleLogId() {
        const { shown } = this;
        return shown && !shown.isPlan && !shown.data.is_skipped ? shown.data.log_id : false;
    }

    /** The run of the plan that the selected step runs. */
    get insideLogId() {
        return this.selected?.data.plan_log_id || this.shown.data.plan_log_id;
    }

    /** What there is to say about a step without output. */
    get shownText() {
        const { state, is_skipped, log_id } = this.shown.data;
        if (is_skipped || state === "skipped") {
            return this.shown.remark(this.state.now);
        }
        if (!state) {
            return this.isActive ? _t("This step has not been reached yet.") : _t("This step did not run.");
        }
        if (this.shown.isPlan) {
            return this.shown.hasSteps
                ? _t("This step runs a flight plan. Choose one of its steps to see the output.")
                : _t("This step runs a flight plan.");
        }
        return log_id ? "" : _t("You may not see the output of this step.");
    }

    /** Its message; of a skipped step the text says it all. */
    get shownMessage() {
        const { state, is_skipped, message } = this.shown.data;
        return is_skipped || state === "skipped" ? "" : message;
    }

    /** The lines of a long plan before and behind those that are shown: [offset to read from, what to say]. */
    get pageBefore() {
        const first = this.run.steps_offset || 0;
        return first > 0 ? [Math.max(0, first - PAGE), _t("%s lines before these", first)] : null;
    }

    get pageBehind() {
        const { steps_offset: first = 0, steps_total: total } = this.run;
        const behind = first + this.tree.length;
        return behind < total ? [behind, _t("%s lines after these", total - behind)] : null;
    }

    rowTime(step) {
        return step.time(this.state.now);
    }

    rowRemark(step) {
        return step.remark(this.state.now);
    }

    // Life of one run

    _open(logId) {
        this.logId = logId;
        this.tree = new StepTree();
        Object.assign(this.state, this._initialState());
        this.nextShowDate = 0;
        this.reader = new ProgressReader({
            read: async () => {
                const { offset } = this.state;
                const result = await this.orm.silent.call(MODEL, "read_progress", [[logId]], { offset });
                return { ...result, offset };
            },
            onResult: (result) => this._onResult(result),
            onError: (error) => this._onReadError(error),
        });
        this.reader.start();
    }

    _close() {
        browser.clearTimeout(this.showTimer);
        this.showTimer = null;
        this.reader?.stop();
        this.reader = null;
    }

    _tick() {
        if (this.isActive && !document.hidden) {
            this.state.now = Date.now();
        }
    }

    _onResult({ steps, offset, ...run }) {
        if (offset !== this.state.offset) {
            this.reader.again(); // a person asked for other lines meanwhile
            return;
        }
        this.readDate = Date.now();
        this.tree.update(steps, this.readDate);
        Object.assign(this.state, {
            run,
            error: "",
            isOffline: false,
            now: this.readDate,
            version: this.state.version + 1,
        });
        if (this.state.isFollowing || !this.selected) {
            this._follow();
        }
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

    get currentKey() {
        return this.tree.current()?.key || "";
    }

    /** Selects what is going on; its output is shown soon enough. */
    _follow() {
        this.state.selectedKey = this.currentKey;
        const pause = this.nextShowDate - Date.now();
        if (pause <= 0) {
            this._show();
        } else if (!this.showTimer) {
            this.showTimer = browser.setTimeout(() => this._show(), pause);
        }
    }

    _setSelected(key, delay = 0) {
        browser.clearTimeout(this.showTimer);
        this.state.selectedKey = key;
        if (delay) {
            this.showTimer = browser.setTimeout(() => this._show(), delay);
        } else {
            this._show();
        }
    }

    /** Shows details and output of the selected step. */
    _show() {
        browser.clearTimeout(this.showTimer);
        this.showTimer = null;
        if (this.state.shownKey !== this.state.selectedKey) {
            this.nextShowDate = Date.now() + FOLLOW_PAUSE_MS;
            this.state.shownKey = this.state.selectedKey;
        }
    }

    /** Keeps the step one looks at on the screen, when it has changed: the list scrolls, the page does not. */
    _showSelected() {
        const { selectedKey } = this.state;
        const list = this.list.el;
        if (!list || selectedKey === this.scrolledToKey) {
            return;
        }
        this.scrolledToKey = selectedKey;
        const row = list.querySelector(`[data-key="${selectedKey}"]`);
        if (row) {
            const top = row.offsetTop; // the list is positioned
            const margin = row.offsetHeight;
            const lowest = top + 2 * margin - list.clientHeight;
            list.scrollTop = Math.max(lowest, Math.min(list.scrollTop, top - margin));
        }
    }

    // What a person does

    onRetry() {
        this.live.reopen();
    }

    select(key, delay) {
        this._setSelected(key, delay);
        this._stay();
    }

    /** The lines that are shown stay the same while the run goes on. */
    _stay() {
        this.state.isFollowing = false;
        this.state.offset ??= this.run.steps_offset || 0;
    }

    onPage(offset) {
        this.state.isFollowing = false;
        this.state.offset = offset;
        this.state.selectedKey = ""; // the first one that comes
        this.reader.again();
    }

    toggle(key) {
        const step = this.tree.get(key);
        this.state.folds[key] = !this._isFolded(step);
        if (this.state.folds[key] && step.contains(this.state.selectedKey)) {
            this.select(key);
        }
    }

    onToggleFollow() {
        this.state.isFollowing = !this.state.isFollowing;
        if (this.state.isFollowing) {
            this.state.offset = null;
            this._setSelected(this.currentKey);
            this.reader.hint();
        } else {
            this._stay();
        }
    }

    onKeydown(ev) {
        if (ev.ctrlKey || ev.metaKey || ev.altKey) {
            return;
        }
        const move = {
            ArrowUp: () => this._move((index) => index - 1),
            ArrowDown: () => this._move((index) => index + 1),
            Home: () => this._move(() => 0),
            End: () => this._move((_index, last) => last),
            ArrowRight: () => this._unfoldOrEnter(),
            ArrowLeft: () => this._foldOrLeave(),
        }[ev.key];
        if (move && this.selected) {
            ev.preventDefault();
            ev.stopPropagation();
            move();
        }
    }

    _move(target) {
        const { rows } = this;
        const last = rows.length - 1;
        const index = rows.findIndex((step) => step.key === this.state.selectedKey);
        this.select(rows[Math.min(last, Math.max(0, target(index, last)))].key, SHOW_DELAY_MS);
    }

    _unfoldOrEnter() {
        const step = this.selected;
        if (this.isOpen(step)) {
            this._move((index) => index + 1);
        } else if (step.hasSteps) {
            this.toggle(step.key);
        }
    }

    _foldOrLeave() {
        const step = this.selected;
        if (this.isOpen(step)) {
            this.toggle(step.key);
        } else if (step.parentKey !== undefined) {
            this.select(step.parentKey);
        }
    }

    onStop() {
        this.dialog.add(ConfirmationDialog, {
            title: _t("Stop the flight plan?"),
            body: _t(
                "“%(plan)s” on %(server)s: the step that is running, and everything it started there, will be ended. The steps after it do not run.",
                { plan: this.run.plan, server: this.run.server },
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
            await this._press("action_stop");
        } catch (error) {
            this.state.isStopping = false;
            throw error;
        }
        this.reader?.hint();
    }

    onResume() {
        this._ask({
            title: _t("Resume the flight plan?"),
            body: _t("“%(plan)s” goes on on %(server)s with the step where it ended, with the same inputs.", {
                plan: this.run.plan,
                server: this.run.server,
            }),
            confirmLabel: _t("Resume"),
            confirm: () => this._start("action_resume"),
        });
    }

    onRunAgain() {
        this._ask({
            title: _t("Run again"),
            body: _t("Run “%(plan)s” on %(server)s again, from its first step, with the same inputs?", {
                plan: this.run.plan,
                server: this.run.server,
            }),
            confirmLabel: _t("Run Again"),
            confirm: () => this._start("action_run_again"),
        });
    }

    _ask(question) {
        this.dialog.add(ConfirmationDialog, { ...question, cancel: () => {} });
    }

    /** Two clicks are one start. */
    async _start(method) {
        if (this.state.isBusy) {
            return;
        }
        this.state.isBusy = true;
        try {
            await this._press(method);
        } finally {
            this.state.isBusy = false;
        }
    }

    /** Calls a method as a button of the form would, and does the action that it returns. */
    _press(name) {
        return this.actionService.doActionButton({
            type: "object",
            resModel: MODEL,
            resId: this.logId,
            name,
        });
    }

    openRun(id) {
        return this._openForm(MODEL, id);
    }

    openStep() {
        return this._openForm(COMMAND_MODEL, this.shown.data.log_id);
    }

    _openForm(model, id) {
        return this.actionService.doAction({
            type: "ir.actions.act_window",
            res_model: model,
            res_id: id,
            views: [[false, "form"]],
        });
    }
}
