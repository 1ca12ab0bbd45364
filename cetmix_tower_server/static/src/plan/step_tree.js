import { _t } from "@web/core/l10n/translation";
import { formatSeconds } from "../base/fields/duration_field";
import { elapsedText, isActive, RUN_STATES } from "../run/run_states";

const UNSUCCESSFUL = ["failed", "stopped", "interrupted"];
const NOT_REACHED = { label: _t("Not reached yet"), color: "muted", icon: "fa-circle-o" };
const DOES_NOT_RUN = { label: _t("Did not run"), color: "muted", icon: "fa-circle-thin" };

/** One step of a run as it was last read. An unchanged step keeps its object, so that its row is not rendered again. */
export class Step {
    constructor(data, place, readDate) {
        Object.assign(this, place, { data, readDate });
    }

    /** Whether the step with this key is inside this one. */
    contains(key) {
        return key.startsWith(`${this.key}.`);
    }

    get isPlan() {
        return this.data.action === "plan";
    }

    get isActive() {
        return isActive(this.data.state);
    }

    get isUnsuccessful() {
        return UNSUCCESSFUL.includes(this.data.state);
    }

    /** Seconds since the step was read. */
    _since(now) {
        return Math.max(0, now - this.readDate) / 1000;
    }

    time(now) {
        const { state, duration, is_skipped: isSkipped } = this.data;
        if (state === "queued" || isSkipped) {
            return "";
        }
        return this.isActive
            ? elapsedText(this.data, { now, readDate: this.readDate })
            : formatSeconds(duration);
    }

    /** Further information about the step in one line. */
    remark(now) {
        const { is_skipped, condition, earlier_run, message, plan_log_id, remark } = this.data;
        if (is_skipped || this.data.state === "skipped") {
            // a plan inside was started, so the condition was true
            return condition && !plan_log_id
                ? _t("skipped because “%s” is false", condition)
                : message || _t("skipped: nothing to do");
        }
        const where = earlier_run ? _t("done in the earlier run") : this.attemptText(now);
        const leftOut = this.data.steps_left_out && _t("more steps in its flight plan log");
        // the steps of a plan inside say more
        const waits = this.isPlan ? "" : this.data.waits_for;
        return [where, waits, remark, leftOut].filter(Boolean).join("; ");
    }

    attemptText(now) {
        const { attempt, attempts_total: total, retry_in } = this.data;
        if (!(total > 1) || (attempt < 2 && !retry_in)) {
            return "";
        }
        const wait = Math.ceil(retry_in - this._since(now));
        return retry_in && wait > 0
            ? _t("attempt %(attempt)s of %(total)s, next in %(seconds)s s", {
                  attempt,
                  total,
                  seconds: wait,
              })
            : _t("attempt %(attempt)s of %(total)s", { attempt, total });
    }

    look(isRunOver) {
        const { state } = this.data;
        if (!state) {
            return isRunOver ? DOES_NOT_RUN : NOT_REACHED;
        }
        // A step that waits for the plan it runs looks like a running one.
        return RUN_STATES[this.isPlan && state === "waiting" ? "running" : state];
    }
}

/** The steps of a run and of the runs inside it, by key; a key is the path to the step, such as "2.0". */
export class StepTree {
    constructor() {
        this.steps = new Map();
        this.length = 0;
    }

    /** Takes the steps that `read_progress` returned. */
    update(steps, now) {
        const before = this.steps;
        this.steps = new Map();
        this.length = steps.length; // lines of the outermost plan
        this._add(steps, null, before, now);
    }

    _add(items, parent, before, now) {
        for (const { steps: inner, ...data } of items) {
            const key = parent ? `${parent.key}.${data.position}` : `${data.position}`;
            const hasSteps = Boolean(inner?.length);
            const signature = JSON.stringify([data, hasSteps]);
            let step = before.get(key);
            if (step?.signature !== signature) {
                const number = parent ? `${parent.number}.${data.number}` : `${data.number}`;
                const place = { key, parentKey: parent?.key, number, depth: parent ? parent.depth + 1 : 0 };
                step = new Step(data, { ...place, hasSteps, signature }, now);
            }
            this.steps.set(key, step);
            this._add(inner || [], step, before, now);
        }
    }

    get(key) {
        return this.steps.get(key);
    }

    /** The step to select: the running one; after the end the one that failed, or the last one that ran. */
    current() {
        let last = null;
        let wrong = null;
        let active = null;
        for (const step of this.steps.values()) {
            if (step.isActive) {
                active = step; // the innermost one: it comes last
            } else if (step.isUnsuccessful) {
                wrong = step;
            } else if (step.data.log_id && !step.data.is_skipped && !step.isPlan) {
                last = step;
            }
        }
        const behind = wrong && last && isBehind(last, wrong); // the plan went on after the failure
        return active || (behind ? last : wrong) || last || this.steps.values().next().value || null;
    }

    /** The innermost step running inside a step; the step itself if it is not known. */
    activeInside(step) {
        let innermost = step;
        for (const other of this.steps.values()) {
            if (other.isActive && step.contains(other.key)) {
                innermost = other;
            }
        }
        return innermost;
    }

    /** The steps that are not inside a folded one. */
    visible(isOpen) {
        const shown = new Map();
        for (const step of this.steps.values()) {
            const parent = shown.get(step.parentKey);
            if (step.parentKey === undefined || (parent && isOpen(parent))) {
                shown.set(step.key, step);
            }
        }
        return [...shown.values()];
    }
}

function isBehind(step, other) {
    const [path, otherPath] = [step, other].map(({ key }) => key.split(".").map(Number));
    const index = path.findIndex((position, depth) => position !== otherPath[depth]);
    return index >= 0 && otherPath[index] !== undefined && path[index] > otherPath[index];
}
