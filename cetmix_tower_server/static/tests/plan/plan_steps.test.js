import { PlanSteps } from "@cetmix_tower_server/plan/plan_steps";
import { PlanStepRow } from "@cetmix_tower_server/plan/plan_step_row";
import { POLL_INTERVAL_MS, RunFollower } from "@cetmix_tower_server/run/run_follower";
import { StepTree } from "@cetmix_tower_server/plan/step_tree";
import { mockTerminal } from "../terminal_test_helpers";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { beforeEach, describe, expect, test } from "@odoo/hoot";
import { click, press, queryAllTexts, queryOne, waitFor } from "@odoo/hoot-dom";
import { advanceTime, animationFrame, mockDate } from "@odoo/hoot-mock";
import { ConnectionLostError } from "@web/core/network/rpc";
import { ORM } from "@web/core/orm_service";
import {
    makeMockEnv,
    mockService,
    mountWithCleanup,
    onRpc,
    patchWithCleanup,
} from "@web/../tests/web_test_helpers";

describe.current.tags("desktop");
defineMailModels();

const MODEL = "cx.tower.plan.log";
const SELECTED = ".o_tower_step_selected .o_tower_step_name";

beforeEach(() => {
    // The pause after a read depends on how long it took, which on a busy machine is any time.
    patchWithCleanup(RunFollower.prototype, {
        _continue(result) {
            super._continue(result, 0);
        },
    });
    mockTerminal();
    onRpc("cx.tower.command.log", "read_output", ({ args }) => {
        expect.step(`output of ${args[0][0]}`);
        return { chunks: [], end: 0, more: false, state: "done", finished: true, duration: 0 };
    });
});

function step(position, name, state, values = {}) {
    return {
        log_id: state ? 100 + position : false,
        position,
        number: position + 1,
        name,
        action: "python_code",
        state,
        exit_code: 0,
        message: "",
        condition: "",
        is_skipped: false,
        duration: state ? 3 : 0,
        attempt: 1,
        attempts_total: 1,
        retry_in: 0,
        earlier_run: false,
        plan_log_id: false,
        steps: [],
        ...values,
    };
}

function makeRun(state, steps, values = {}) {
    const finished = !["queued", "running", "waiting"].includes(state);
    return {
        id: 1,
        reference: "plan_run_1",
        name: "Server: Update",
        plan: "Update",
        server: "Server",
        state,
        finished,
        exit_code: 0,
        message: "",
        duration: 7,
        stop_requested_by: "",
        can_resume: false,
        can_stop: !finished,
        can_run_again: finished,
        resumed_from: false,
        resumed_by: false,
        steps_total: steps.length,
        steps_done: steps.filter((one) => one.state === "done").length,
        steps,
        ...values,
    };
}

/** Answers reads of how a run stands; `run.now` may be changed. */
function serve(now) {
    const run = { now, reads: 0 };
    onRpc(MODEL, "read_progress", () => {
        run.reads++;
        return run.now;
    });
    return run;
}

async function mount(props = {}) {
    await mountWithCleanup(PlanSteps, { props: { logId: 1, ...props } });
    await waitFor(".o_tower_plan[data-state]");
    await animationFrame();
}

async function readAgain() {
    await advanceTime(POLL_INTERVAL_MS);
    await animationFrame();
}

test("a run that has ended is shown and read once", async () => {
    const run = serve(
        makeRun("done", [
            step(0, "Stop", "done"),
            step(1, "Backup", "skipped", { is_skipped: true, condition: "{{ backup }}", exit_code: -205 }),
            step(2, "Update", "done"),
        ]),
    );
    await mount();
    expect(".o_tower_plan_state").toHaveText("Done");
    expect(".o_tower_plan_elapsed").toHaveText("0:07");
    expect(".o_tower_plan_exit").toHaveText("Exit code 0");
    expect(".o_tower_plan_progress_text").toHaveText("2 of 3 steps");
    expect(queryAllTexts(".o_tower_step_name")).toEqual(["Stop", "Backup", "Update"]);
    expect(".o_tower_step_remark").toHaveText("skipped because “{{ backup }}” is false");
    expect(SELECTED).toHaveText("Update"); // the last that ran
    expect(".o_tower_plan_stop, .o_tower_plan_follow, .o_tower_plan_resume").toHaveCount(0);
    expect(".o_tower_console_stop").toHaveCount(0);
    expect(".o_tower_plan_again").toHaveCount(1);
    await advanceTime(POLL_INTERVAL_MS * 3);
    expect(run.reads).toBe(1);
    expect.verifySteps(["output of 102"]);
});

test("the reason of a skipped step is shown once, and why a failed step was tolerated", async () => {
    const inside = {
        action: "plan",
        plan_log_id: 7,
        condition: "1",
        message: "Nothing ran: the only line was skipped.",
    };
    serve(
        makeRun("done", [
            step(0, "Backup", "skipped", {
                is_skipped: true,
                condition: "{{ backup }}",
                message: "Skipped: the condition is false.",
            }),
            step(1, "Inside", "skipped", { is_skipped: true, ...inside }),
            step(2, "Update", "failed", { exit_code: 3, remark: "continues: post-run action != 0" }),
        ]),
    );
    await mount();
    expect(queryAllTexts(".o_tower_step_remark")).toEqual([
        "skipped because “{{ backup }}” is false",
        "Nothing ran: the only line was skipped.",
        "continues: post-run action != 0",
    ]);
    await click(".o_tower_step:contains(Backup)");
    await animationFrame();
    expect(".o_tower_plan_step_text").toHaveText("skipped because “{{ backup }}” is false");
    expect(".o_tower_plan_step_message").toHaveCount(0);
    expect.verifySteps(["output of 102"]);
});

test("follows the running step until the user selects another one", async () => {
    const run = serve(
        makeRun("running", [step(0, "One", "running"), step(1, "Two", ""), step(2, "Three", "")]),
    );
    await mount({ onFinished: () => expect.step("finished") });
    expect(SELECTED).toHaveText("One");
    run.now = makeRun("running", [step(0, "One", "done"), step(1, "Two", "running"), step(2, "Three", "")]);
    await readAgain();
    expect(SELECTED).toHaveText("Two");
    await click(".o_tower_step:contains(One)");
    await animationFrame();
    run.now = makeRun("running", [
        step(0, "One", "done"),
        step(1, "Two", "done"),
        step(2, "Three", "running"),
    ]);
    await readAgain();
    expect(SELECTED).toHaveText("One");
    await click(".o_tower_plan_follow");
    await animationFrame();
    expect(SELECTED).toHaveText("Three");
    run.now = makeRun("failed", [
        step(0, "One", "done"),
        step(1, "Two", "done"),
        step(2, "Three", "failed", { exit_code: 4 }),
    ]);
    await readAgain();
    expect(".o_tower_plan_state").toHaveText("Failed");
    expect(".o_tower_step_exit").toHaveText("4");
    await advanceTime(POLL_INTERVAL_MS * 2);
    expect(run.reads).toBe(4);
    expect.verifySteps(["output of 100", "output of 101", "output of 100", "output of 102", "finished"]);
});

test("times and the countdown to the next attempt advance between two reads", async () => {
    mockDate("2026-01-01 12:00:00");
    const retry = { attempt: 2, attempts_total: 3, retry_in: 7.5 };
    const steps = [step(0, "One", "running", { duration: 3.5 }), step(1, "Two", "queued", retry)];
    serve(makeRun("running", steps, { duration: 7.5 }));
    await mount();
    expect(".o_tower_step:first-child .o_tower_step_time").toHaveText("0:03");
    expect(".o_tower_step_remark").toHaveText("attempt 2 of 3, next in 8 s");
    await advanceTime(1000);
    await animationFrame();
    expect(".o_tower_step:first-child .o_tower_step_time").toHaveText("0:04");
    expect(".o_tower_plan_elapsed").toHaveText("0:08");
    expect(".o_tower_step_remark").toHaveText("attempt 2 of 3, next in 7 s");
    expect.verifySteps(["output of 101"]);
});

test("a waiting step says what it waits for", async () => {
    const waits_for = "Waiting for approval on “Shop”.";
    serve(makeRun("running", [step(0, "Ask", "waiting", { waits_for })]));
    await mount();
    expect(".o_tower_step_remark").toHaveText(waits_for);
    expect.verifySteps(["output of 100"]);
});

const withChild = (state, childState) => {
    const steps = [
        step(0, "In one", "done", { log_id: 200 }),
        step(1, "In two", childState, { log_id: 201 }),
    ];
    return step(1, "Sub plan", state, { action: "plan", plan_log_id: 2, steps });
};

test("a plan inside is unfolded while it runs, and its running step is selected", async () => {
    const run = serve(makeRun("waiting", [step(0, "One", "done"), withChild("waiting", "running")]));
    await mount();
    expect(queryAllTexts(".o_tower_step_number")).toEqual(["1", "2", "2.1", "2.2"]);
    expect(SELECTED).toHaveText("In two");
    await click(".o_tower_step:contains(Sub plan)");
    await animationFrame();
    // what goes on in it is shown for the plan that is going on
    expect(".o_tower_plan_step_title b").toHaveText("2.2. In two");
    await click(".o_tower_step:contains(One)");
    run.now = makeRun("done", [step(0, "One", "done"), withChild("done", "done")]);
    await readAgain();
    expect(".o_tower_step").toHaveCount(2);
    await click(".o_tower_step_fold");
    await animationFrame();
    expect(".o_tower_step").toHaveCount(4);
    await click(".o_tower_step:contains(Sub plan)");
    await animationFrame();
    expect(".o_tower_plan_step_text").toHaveText(/Choose one of its steps/);
    expect.verifySteps(["output of 201", "output of 100"]);
});

test("the failed step of a plan inside is selected", async () => {
    serve(makeRun("failed", [step(0, "One", "done"), withChild("failed", "failed"), step(2, "Three", "")]));
    await mount();
    expect(SELECTED).toHaveText("In two");
    expect(".o_tower_step:last-child i").toHaveAttribute("title", "Did not run");
    expect.verifySteps(["output of 201"]);
});

test("arrow keys move the selection, fold and unfold", async () => {
    serve(makeRun("done", [step(0, "One", "done"), withChild("done", "done"), step(2, "Three", "done")]));
    await mount();
    queryOne(".o_tower_plan_list").focus();
    await press("ArrowUp");
    await animationFrame();
    expect(SELECTED).toHaveText("Sub plan");
    await press("ArrowRight");
    await animationFrame();
    expect(".o_tower_step").toHaveCount(5);
    await press("ArrowRight");
    await animationFrame();
    expect(SELECTED).toHaveText("In one");
    await press("ArrowLeft");
    await animationFrame();
    await press("ArrowLeft");
    await animationFrame();
    expect(SELECTED).toHaveText("Sub plan");
    expect(".o_tower_step").toHaveCount(3);
    await press("End");
    await press("Home");
    await press("ArrowUp");
    await animationFrame();
    expect(SELECTED).toHaveText("One");
    expect.verifySteps(["output of 102"]);
    await advanceTime(500);
    await animationFrame();
    expect.verifySteps(["output of 100"]); // not of all the steps on the way
});

test("Stop asks for confirmation; afterwards the run can be resumed or run again", async () => {
    const run = serve(makeRun("running", [step(0, "One", "running")]));
    mockService("action", {
        doActionButton({ resModel, resId, name }) {
            expect.step(`${name} of ${resModel} ${resId}`);
            run.now = makeRun("stopped", [step(0, "One", "stopped")], {
                can_resume: true,
                stop_requested_by: "Ann",
            });
        },
    });
    await mount();
    await click(".o_tower_plan_stop");
    await waitFor(".modal .btn-danger");
    expect(".modal-body").toHaveText(/^“Update” on Server: /);
    await click(".modal .btn-danger");
    await readAgain();
    expect(".o_tower_plan_stop_text").toHaveText("Stopped by Ann");
    for (const button of [".o_tower_plan_resume", ".o_tower_plan_again"]) {
        await click(button);
        await waitFor(".modal:contains(“Update” on Server), .modal:contains(“Update” goes on on Server)");
        await click(".modal .btn-primary");
        await animationFrame();
    }
    expect.verifySteps([
        "output of 100",
        "action_stop of cx.tower.plan.log 1",
        "action_resume of cx.tower.plan.log 1",
        "action_run_again of cx.tower.plan.log 1",
    ]);
});

test("after a lost connection it is tried again; an error is shown", async () => {
    let answer = () => {
        throw new ConnectionLostError("/web/dataset/call_kw");
    };
    patchWithCleanup(ORM.prototype, {
        async call(model, method) {
            return method === "read_progress" ? answer() : super.call(...arguments);
        },
    });
    await mountWithCleanup(PlanSteps, { props: { logId: 1 } });
    await waitFor(".o_tower_plan_offline");
    answer = () => {
        throw new Error("You may not read this log.");
    };
    await advanceTime(POLL_INTERVAL_MS * 2);
    await waitFor(".o_tower_plan_error");
    answer = () => makeRun("done", [step(0, "One", "done")]);
    await click(".o_tower_plan_error button");
    await waitFor(".o_tower_plan[data-state=done]");
    expect(".o_tower_plan_error, .o_tower_plan_offline").toHaveCount(0);
    await animationFrame();
    expect.verifySteps(["output of 100"]);
});

test("nothing is read while the page is hidden", async () => {
    let isHidden = false;
    patchWithCleanup(document, {
        get hidden() {
            return isHidden;
        },
    });
    const run = serve(makeRun("running", [step(0, "One", "running")]));
    await mount();
    isHidden = true;
    await advanceTime(POLL_INTERVAL_MS * 5);
    expect(run.reads).toBe(1);
    isHidden = false;
    document.dispatchEvent(new Event("visibilitychange"));
    await advanceTime(POLL_INTERVAL_MS);
    expect(run.reads).toBeGreaterThan(1);
    expect.verifySteps(["output of 100"]);
});

test("a run without steps, and steps that may not be read", async () => {
    const run = serve(makeRun("failed", [], { message: "The flight plan has no lines." }));
    await mount();
    expect(".o_tower_plan_empty").toHaveCount(1);
    expect(".o_tower_plan_message").toHaveText("The flight plan has no lines.");
    run.now = makeRun("done", [step(0, "Hidden", "done", { log_id: false })]);
    await mountWithCleanup(PlanSteps, { props: { logId: 2 } });
    await animationFrame();
    await waitFor(".o_tower_plan_step_text");
    expect(".o_tower_plan_step_text").toHaveText("You do not have access to the output of this step.");
});

test("links lead to the runs before and after", async () => {
    const steps = [step(0, "One", "done", { earlier_run: true }), step(1, "Two", "failed")];
    serve(makeRun("failed", steps, { resumed_from: 7, resumed_by: 9 }));
    mockService("action", {
        doAction(action) {
            expect.step(`open ${action.res_model} ${action.res_id}`);
        },
    });
    await mount();
    expect(".o_tower_step_muted .o_tower_step_name").toHaveText("One");
    expect(".o_tower_step_muted .o_tower_step_remark").toHaveText("done in the earlier run");
    await click(".o_tower_plan_resumed_from");
    await click(".o_tower_plan_resumed_by");
    await click(".o_tower_plan_open_step");
    expect.verifySteps([
        "output of 101",
        "open cx.tower.plan.log 7",
        "open cx.tower.plan.log 9",
        "open cx.tower.command.log 101",
    ]);
});

test("of 500 steps only those that changed are rendered again", async () => {
    let drawn = 0;
    patchWithCleanup(PlanStepRow.prototype, {
        get look() {
            drawn++;
            return super.look;
        },
    });
    const steps = (running) =>
        Array.from({ length: 500 }, (_, position) => {
            const state = position < running ? "done" : position === running ? "running" : "";
            return step(position, `Step ${position}`, state);
        });
    const run = serve(makeRun("running", steps(250)));
    await mount();
    expect(".o_tower_step").toHaveCount(500);
    drawn = 0;
    run.now = makeRun("running", steps(251));
    await readAgain();
    expect(SELECTED).toHaveText("Step 251");
    expect(drawn).toBeLessThan(50);
    expect.verifySteps(["output of 350", "output of 351"]);
});

test("of 10,000 lines those around the running one are read, the others on request", async () => {
    onRpc(MODEL, "read_progress", ({ kwargs: { offset } }) => {
        expect.step(`read from ${offset}`);
        const first = offset ?? 4750;
        const steps = Array.from({ length: 500 }, (_, index) => {
            const position = first + index;
            const state = position < 5000 ? "done" : position === 5000 ? "running" : "";
            return step(position, `Step ${position}`, state);
        });
        return makeRun("running", steps, { steps_total: 10000, steps_done: 5000, steps_offset: first });
    });
    onRpc("cx.tower.command.log", "read_output", () => ({
        chunks: [],
        end: 0,
        more: false,
        state: "done",
        finished: true,
        duration: 0,
    }));
    await mount();
    expect(".o_tower_step").toHaveCount(500);
    expect(SELECTED).toHaveText("Step 5000");
    expect(".o_tower_plan_progress_text").toHaveText("5000 of 10000 steps");
    expect(".o_tower_plan_before").toHaveText("4750 lines before these");
    expect(".o_tower_plan_behind").toHaveText("4750 lines after these");
    await click(".o_tower_plan_before button");
    await advanceTime(10);
    await animationFrame();
    expect(SELECTED).toHaveText("Step 4749");
    expect(".o_tower_step_name:first").toHaveText("Step 4250");
    await readAgain();
    expect(".o_tower_step_name:first").toHaveText("Step 4250");
    await click(".o_tower_plan_follow");
    await advanceTime(1000);
    await animationFrame();
    expect(SELECTED).toHaveText("Step 5000");
    expect.verifySteps(["read from null", "read from 4250", "read from 4250", "read from null"]);
});

test("many short steps do not each get a console", async () => {
    const shown = [];
    onRpc("cx.tower.command.log", "read_output", ({ args }) => {
        shown.push(args[0][0]);
        return { chunks: [], end: 0, more: false, state: "done", finished: true, duration: 0 };
    });
    const at = (running) =>
        makeRun(
            "running",
            [0, 1, 2, 3, 4].map((position) =>
                step(
                    position,
                    `Step ${position}`,
                    position < running ? "done" : position === running ? "running" : "",
                ),
            ),
        );
    const run = serve(at(0));
    await mount();
    for (const running of [1, 2, 3, 4]) {
        run.now = at(running);
        document.dispatchEvent(new Event("visibilitychange")); // as an announcement would
        await advanceTime(400);
        await animationFrame();
        expect(SELECTED).toHaveText(`Step ${running}`);
    }
    await advanceTime(1000);
    await animationFrame();
    expect(shown).toHaveLength(3);
    expect(shown.at(-1)).toBe(104);
});

test("unchanged steps keep their object", async () => {
    await makeMockEnv();
    const tree = new StepTree();
    tree.update([step(0, "One", "done"), withChild("waiting", "running")], 0);
    const [one, plan, inner] = ["0", "1", "1.0"].map((key) => tree.get(key));
    tree.update([step(0, "One", "done"), withChild("done", "done")], 1000);
    expect(tree.get("0")).toBe(one);
    expect(tree.get("1.0")).toBe(inner);
    expect(tree.get("1")).not.toBe(plan);
    expect(tree.current().key).toBe("1.1");
});

test("a run that cannot run again has no button for it", async () => {
    serve(makeRun("done", [step(0, "One", "done")], { can_run_again: false }));
    await mount();
    expect(".o_tower_plan_again").toHaveCount(0);
    expect.verifySteps(["output of 100"]);
});
