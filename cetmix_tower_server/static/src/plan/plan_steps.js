import { Component, onPatched, useRef, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { formAction } from "../base/form_action";
import { LiveConsole } from "../command/live_console";
import { isActive, RUN_STATES } from "../run/run_states";
import { RunStatus } from "../run/run_status";
import { useRunActions } from "../run/use_run_actions";
import { useRunFollower } from "../run/use_run_follower";
import { PlanStepRow } from "./plan_step_row";
import { StepTree } from "./step_tree";

const MODEL = "cx.tower.plan.log";
const COMMAND_MODEL = "cx.tower.command.log";
const SHOW_DELAY_MS = 150; // a held arrow key passes many steps: only the last one is shown
const FOLLOW_PAUSE_MS = 1000; // steps may take no time at all: a console for each would keep the browser busy
const PAGE = 500; // lines of a long plan that are read at once

/** The steps of one flight plan run, live, with the output of the selected step. */
export class PlanSteps extends Component {
    static template = "cetmix_tower_server.PlanSteps";
    static components = { LiveConsole, PlanStepRow, RunStatus };
    static props = {
        logId: Number,
        topId: { type: Number, optional: true }, // the outermost run: announcements carry its id
        onFinished: { type: Function, optional: true }, // (state) at each read that finds the run ended
    };

    setup() {
        this.orm = useService("orm");
        this.actionService = useService("action");
        this.list = useRef("list");
        this.state = useState(this._initialState());
        this.tree = new StepTree();
        this.follower = useRunFollower({
            prop: "logId",
            busType: "cetmix_tower_plan_log",
            announcedId: () => this.props.topId,
            onOpen: (logId) => this._open(logId),
            onClose: () => browser.clearTimeout(this.showTimer),
            read: () => this._read(),
            onResult: (result) => this._onResult(result),
        });
        this.actions = useRunActions(MODEL, "logId", this.follower);
        onPatched(() => this._scrollToSelected());
    }

    _initialState() {
        return {
            run: null, // the last result of `read_progress`, without the steps
            version: 0, // of the steps
            isFollowing: true, // the running step is selected
            offset: null, // first line to read; null: the lines around the running one
            selectedKey: "",
            shownKey: "", // the selected step, or the one before for a moment
            folds: {}, // what the user opened (false) and folded (true)
        };
    }

    // What the template shows

    get run() {
        return this.state.run;
    }

    get isActive() {
        return isActive(this.run?.state);
    }

    get progressText() {
        return _t("%(done)s of %(total)s steps", { done: this.run.steps_done, total: this.run.steps_total });
    }

    get progressPercent() {
        const { steps_done: done, steps_total: total } = this.run;
        return total ? Math.min(100, Math.round((100 * done) / total)) : 0;
    }

    get progressColor() {
        return this.isActive ? "info" : RUN_STATES[this.run.state].color;
    }

    get rows() {
        return this.state.version ? this.tree.visible((step) => this.isOpen(step)) : [];
    }

    /** A plan inside is folded when it has ended, unless one of its steps is selected. */
    isOpen(step) {
        return step.hasSteps && !this._isFolded(step);
    }

    _isFolded(step) {
        return this.state.folds[step.key] ?? !(step.isActive || step.contains(this.state.selectedKey));
    }

    get selected() {
        return this.state.version ? this.tree.get(this.state.selectedKey) : null;
    }

    /** The step whose details are shown; for a plan inside that is running, its running step. */
    get shown() {
        const step = this.state.version ? this.tree.get(this.state.shownKey) : null;
        return step?.isPlan && step.isActive ? this.tree.activeInside(step) : step;
    }

    /** The log whose output is shown. A step that runs a plan prints nothing itself. */
    get consoleLogId() {
        const { shown } = this;
        return shown && !shown.isPlan && !shown.data.is_skipped ? shown.data.log_id : false;
    }

    /** The run of the plan that the selected step runs, if it runs one. */
    get insideLogId() {
        return this.selected?.data.plan_log_id || this.shown.data.plan_log_id;
    }

    /** Says why there is no output. */
    get shownText() {
        const { state, is_skipped, log_id } = this.shown.data;
        if (is_skipped || state === "skipped") {
            return this.shown.remark(this.follower.now);
        }
        if (!state) {
            return this.isActive ? _t("This step has not been reached yet.") : _t("This step did not run.");
        }
        if (this.shown.isPlan) {
            return this.shown.hasSteps
                ? _t("This step runs a flight plan. Choose one of its steps to see the output.")
                : _t("This step runs a flight plan.");
        }
        return log_id ? "" : _t("You do not have access to the output of this step.");
    }

    /** The step's message. For a skipped step `shownText` says everything. */
    get shownMessage() {
        const { state, is_skipped, message, waits_for } = this.shown.data;
        return is_skipped || state === "skipped" ? "" : message || waits_for;
    }

    /** The lines of a long plan before and after those that are shown: [offset to read from, label]. */
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
        return step.time(this.follower.now);
    }

    rowRemark(step) {
        return step.remark(this.follower.now);
    }

    // Reading

    _open(logId) {
        this.logId = logId;
        this.tree = new StepTree();
        this.nextShowDate = 0;
        this.showTimer = null;
        Object.assign(this.state, this._initialState());
    }

    async _read() {
        const { offset } = this.state;
        const result = await this.orm.silent.call(MODEL, "read_progress", [[this.logId]], { offset });
        return { ...result, offset };
    }

    _onResult({ steps, offset, ...run }) {
        if (offset !== this.state.offset) {
            this.follower.start(); // other lines were asked for meanwhile
            return;
        }
        this.tree.update(steps, this.follower.readDate);
        this.state.run = run;
        this.state.version++;
        if (this.state.isFollowing || !this.selected) {
            this._follow();
        }
        if (run.finished) {
            this.props.onFinished?.(run.state);
        }
    }

    get currentKey() {
        return this.tree.current()?.key || "";
    }

    /** Selects the running step. Its output is shown at once, or after a pause when steps follow each other quickly. */
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

    /** Scrolls the list, not the page, so that a newly selected step is visible. */
    _scrollToSelected() {
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

    // What the user does

    select(key, delay) {
        this._setSelected(key, delay);
        this._stay();
    }

    /** Keeps showing the same lines from now on. */
    _stay() {
        this.state.isFollowing = false;
        this.state.offset ??= this.run.steps_offset || 0;
    }

    onPage(offset) {
        this.state.isFollowing = false;
        this.state.offset = offset;
        this.state.selectedKey = ""; // the first line of the page
        this.follower.start();
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
            this.follower.hint();
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
        this.actions.askToStop({
            title: _t("Stop the flight plan?"),
            body: _t(
                "“%(plan)s” on %(server)s: the running step and all processes it started will be stopped. The steps after it will not run.",
                this.run,
            ),
        });
    }

    onResume() {
        this.actions.askToStart("action_resume", {
            title: _t("Resume the flight plan?"),
            body: _t(
                "“%(plan)s” on %(server)s continues with the step at which it ended, with the same inputs.",
                this.run,
            ),
            confirmLabel: _t("Resume"),
        });
    }

    onRunAgain() {
        this.actions.askToStart("action_run_again", {
            title: _t("Run again?"),
            body: _t(
                "Run “%(plan)s” on %(server)s again from the first step, with the same inputs?",
                this.run,
            ),
            confirmLabel: _t("Run Again"),
        });
    }

    openRun(id) {
        return this.actionService.doAction(formAction(MODEL, id));
    }

    openStep() {
        return this.actionService.doAction(formAction(COMMAND_MODEL, this.shown.data.log_id));
    }
}
