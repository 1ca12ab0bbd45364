import { FleetRun, PAGE_SIZE } from "@cetmix_tower_server/fleet/fleet_run";
import { POLL_INTERVAL_MS } from "@cetmix_tower_server/run/run_follower";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { describe, expect, test } from "@odoo/hoot";
import { click, queryAllTexts, waitFor } from "@odoo/hoot-dom";
import { advanceTime, animationFrame } from "@odoo/hoot-mock";
import { ConnectionLostError } from "@web/core/network/rpc";
import { ORM } from "@web/core/orm_service";
import { mountWithCleanup, onRpc, patchWithCleanup } from "@web/../tests/web_test_helpers";

describe.current.tags("desktop");
defineMailModels();

const MODEL = "cx.tower.fleet.run";

function row(number, state, values = {}) {
    return {
        model: "cx.tower.plan.log",
        log_id: 100 + number,
        server: `web-${number}`,
        server_id: number,
        state,
        is_held: false,
        exit_code: 0,
        message: "",
        duration: 3,
        steps_done: 1,
        steps_total: 4,
        step: "",
        ...values,
    };
}

function makeRun(state, rows, values = {}) {
    const count = (...states) => rows.filter((one) => states.includes(one.state)).length;
    const finished = !["running", "stopping"].includes(state);
    return {
        id: 1,
        reference: "fleet_run_1",
        name: "Update on servers",
        state,
        finished,
        message: finished ? "It is over." : "",
        duration: 7,
        stop_requested_by: "",
        concurrency_limit: 2,
        stop_after_failures: 0,
        stop_after_percent: 0,
        is_halted: false,
        can_stop: !finished,
        can_retry: finished && count("failed", "stopped") > 0,
        retry: {
            failed: finished ? count("failed") : 0,
            unfinished: finished ? count("failed", "stopped") : 0,
        },
        total: rows.length,
        counts: {
            active: count("queued", "running"),
            held: rows.filter((one) => one.is_held).length,
            failed: count("failed"),
            stopped: count("stopped"),
            done: count("done"),
        },
        matching: rows.length,
        rows,
        ...values,
    };
}

/** Answers reads; `served.now` may be changed, `served.asked` is what was asked for last. */
function serve(now) {
    const served = { now, reads: 0 };
    onRpc(MODEL, "read_progress", ({ kwargs: { offset, limit, only } }) => {
        served.reads++;
        served.asked = { offset, limit, only };
        return served.now;
    });
    return served;
}

async function mount(props = {}) {
    await mountWithCleanup(FleetRun, { props: { fleetId: 1, ...props } });
    await waitFor(".o_tower_fleet[data-state]");
    await animationFrame();
}

async function readAgain() {
    await advanceTime(POLL_INTERVAL_MS);
    await animationFrame();
}

test("shows the state and step of each server", async () => {
    serve(
        makeRun("running", [
            row(1, "done"),
            row(2, "failed", { exit_code: 7, message: "Line 2 failed" }),
            row(3, "running", { step: "Install" }),
            row(4, "queued", { is_held: true, duration: 0 }),
        ]),
    );
    await mount();
    expect(".o_tower_fleet_state").toHaveText("Running");
    expect(".o_tower_fleet_progress_text").toHaveText("2 of 4 servers");
    expect(".o_tower_fleet_limit").toHaveText("1 running, at most 2 at once");
    expect(queryAllTexts(".o_tower_fleet_server")).toEqual(["web-1", "web-2", "web-3", "web-4"]);
    expect(queryAllTexts(".o_tower_fleet_text")).toEqual([
        "",
        "Line 2 failed",
        "Install",
        "Waiting for its turn",
    ]);
    expect(".o_tower_fleet_exit .badge").toHaveText("7");
    expect(".o_tower_fleet_stop").toHaveCount(1);
    expect(".o_tower_fleet_retry").toHaveCount(0);
});

test("follows a run to its end, then stops reading", async () => {
    const served = serve(makeRun("running", [row(1, "running")]));
    await mount({ onFinished: () => expect.step("finished") });
    served.now = makeRun("failed", [row(1, "failed", { exit_code: 1 })]);
    await readAgain();
    expect(".o_tower_fleet_state").toHaveText("Failed");
    expect(".o_tower_fleet_message").toHaveText("It is over.");
    expect(".o_tower_fleet_retry").toHaveText("Retry Failed (1)");
    expect(".o_tower_fleet_rest").toHaveCount(0);
    expect.verifySteps(["finished"]);
    const { reads } = served;
    await advanceTime(POLL_INTERVAL_MS * 3);
    expect(served.reads).toBe(reads);
});

test("offers the rest when servers were not started", async () => {
    serve(makeRun("failed", [row(1, "failed"), row(2, "stopped"), row(3, "stopped")], { is_halted: true }));
    await mount();
    expect(".o_tower_fleet_failures").toHaveText("Too many servers failed: no more are started");
    expect(".o_tower_fleet_rest").toHaveText("Run the Rest (3)");
});

test("filters by group and pages", async () => {
    const served = serve(makeRun("done", [row(1, "done")], { matching: PAGE_SIZE + 1 }));
    await mount();
    expect(served.asked).toEqual({ offset: 0, limit: PAGE_SIZE, only: "" });
    await click(".o_tower_fleet_next");
    await animationFrame();
    expect(served.asked.offset).toBe(PAGE_SIZE);
    expect(".o_tower_fleet_next").not.toBeEnabled();
    await click("[data-group=done]");
    await animationFrame();
    expect(served.asked).toEqual({ offset: 0, limit: PAGE_SIZE, only: "done" });
    await click("[data-group=done]");
    await animationFrame();
    expect(served.asked.only).toBe("");
});

test("shows a lost connection and recovers", async () => {
    let isLost = false;
    patchWithCleanup(ORM.prototype, {
        async call() {
            if (isLost) {
                throw new ConnectionLostError("/");
            }
            return makeRun("running", [row(1, "running")]);
        },
    });
    await mount();
    isLost = true;
    await readAgain();
    expect(".o_tower_fleet_offline").toHaveCount(1);
    isLost = false;
    await advanceTime(POLL_INTERVAL_MS * 4);
    await animationFrame();
    expect(".o_tower_fleet_offline").toHaveCount(0);
});

test("Stop asks for confirmation", async () => {
    serve(makeRun("running", [row(1, "running")]));
    onRpc(MODEL, "action_stop", ({ args }) => {
        expect.step(`stop ${args[0]}`);
        return true;
    });
    await mount();
    await click(".o_tower_fleet_stop");
    await animationFrame();
    expect.verifySteps([]);
    expect(".modal-body").toHaveText(/^“Update on servers”: /);
    await click(".modal .btn-danger");
    await animationFrame();
    expect.verifySteps(["stop 1"]);
    expect(".o_tower_fleet_stop_text").toHaveText("Stop requested");
    expect(".o_tower_fleet_stop").not.toBeEnabled();
});
