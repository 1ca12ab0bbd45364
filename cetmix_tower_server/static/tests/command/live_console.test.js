import { LiveConsole } from "@cetmix_tower_server/command/live_console";
import { POLL_INTERVAL_MS } from "@cetmix_tower_server/run/run_follower";
import { mockTerminal } from "../terminal_test_helpers";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { beforeEach, describe, expect, test } from "@odoo/hoot";
import { click, queryOne, waitFor } from "@odoo/hoot-dom";
import { advanceTime, animationFrame } from "@odoo/hoot-mock";
import { mountWithCleanup, onRpc } from "@web/../tests/web_test_helpers";

describe.current.tags("desktop");
defineMailModels();

const MODEL = "cx.tower.command.log";
let written;

beforeEach(() => {
    written = [];
    mockTerminal(written);
});

/** Answers reads of a log whose text may grow and whose state may change. */
function serve(log, { withSteps = true } = {}) {
    onRpc(MODEL, "read_output", ({ args }) => {
        const [, offset, limit] = args;
        if (withSteps) {
            expect.step(`read ${offset}`);
        }
        const text = log.text.slice(offset, offset + limit);
        const end = offset + text.length;
        return {
            chunks: text ? [{ offset, end, segments: [["o", text]] }] : [],
            end,
            more: end < log.text.length,
            state: log.state,
            finished: log.state === "done",
            exit_code: log.exitCode || 0,
            message: log.message || "",
            skipped: 0,
            duration: 7,
            stop_requested_by: log.stopRequestedBy || "",
            can_stop: log.canStop ?? log.state !== "done",
        };
    });
    return log;
}

async function mount(logId = 1, props = {}) {
    const component = await mountWithCleanup(LiveConsole, { props: { logId, ...props } });
    await waitFor(".o_tower_console[data-state]:not([data-state=''])");
    await animationFrame();
    return component;
}

test("shows the output of a run that is over, and reads no more", async () => {
    serve({ text: "hello\n", state: "done", message: "All went well." });
    await mount();
    expect(written.join("")).toBe("hello\n");
    expect(".o_tower_console_state").toHaveText("Done");
    expect(".o_tower_console_exit").toHaveText("Exit code 0");
    expect(".o_tower_console_elapsed").toHaveText("0:07");
    expect(".o_tower_console_message").toHaveText("All went well.");
    expect(".o_tower_console_stop").toHaveCount(0);
    expect.verifySteps(["read 0"]);
    await advanceTime(POLL_INTERVAL_MS * 3);
    expect.verifySteps([]);
});

test("says that nothing was printed", async () => {
    serve({ text: "", state: "done" });
    await mount();
    expect(".o_tower_console_empty").toHaveText("The command printed nothing.");
    expect.verifySteps(["read 0"]);
});

test("a command that did not run is not said to have printed nothing", async () => {
    serve({ text: "", state: "failed", exitCode: -210, message: "The condition cannot be evaluated." });
    await mount();
    expect(".o_tower_console_empty").toHaveText("The command did not run.");
    expect(".o_tower_console_message").toHaveText("The condition cannot be evaluated.");
    expect.verifySteps(["read 0"]);
});

test("follows a running command without announcements", async () => {
    const log = serve({ text: "one\n", state: "running" });
    await mount(1, { onFinished: () => expect.step("finished") });
    expect(".o_tower_console_state").toHaveText("Running");
    expect(".o_tower_console_stop").toHaveCount(1);
    log.text += "two\n";
    await advanceTime(POLL_INTERVAL_MS);
    await animationFrame();
    log.text += "three\n";
    log.state = "done";
    await advanceTime(POLL_INTERVAL_MS);
    await animationFrame();
    expect(written.join("")).toBe("one\ntwo\nthree\n");
    expect(".o_tower_console_state").toHaveText("Done");
    expect.verifySteps(["read 0", "read 4", "read 8", "finished"]);
});

test("a long output is read in pieces", async () => {
    const text = "a line of this long text\n".repeat(100000);
    serve({ text, state: "done" });
    await mount();
    expect(written.join("")).toBe(text);
    expect.verifySteps(["read 0", "read 65536", "read 1114112", "read 2162688"]);
});

test("an error is shown with a button to try again", async () => {
    let isAllowed = false;
    onRpc(MODEL, "read_output", () => {
        if (!isAllowed) {
            throw new Error("You may not read this log.");
        }
        return { chunks: [], end: 0, more: false, state: "done", finished: true, duration: 0 };
    });
    await mountWithCleanup(LiveConsole, { props: { logId: 1 } });
    await waitFor(".o_tower_console_error");
    isAllowed = true;
    await click(".o_tower_console_error button");
    await waitFor(".o_tower_console[data-state=done]");
    expect(".o_tower_console_error").toHaveCount(0);
});

test("Stop asks for confirmation and shows who stopped", async () => {
    const log = serve({ text: "", state: "running" }, { withSteps: false });
    onRpc(MODEL, "action_stop", () => {
        log.stopRequestedBy = "Ann";
        return true;
    });
    onRpc(MODEL, "read", ({ args }) => {
        expect(args).toEqual([[1], ["title", "server_id"]]);
        return [{ id: 1, title: "Restart #3", server_id: [2, "web 1"] }];
    });
    await mount();
    await click(".o_tower_console_stop");
    await waitFor(".modal .btn-danger");
    expect(".modal-body").toHaveText("“Restart #3” and all processes it started on web 1 will be stopped.");
    await click(".modal .btn-danger");
    await waitFor(".o_tower_console_stop_text");
    await advanceTime(POLL_INTERVAL_MS);
    await animationFrame();
    expect(".o_tower_console_stop_text").toHaveText("Stop requested by Ann");
    expect(queryOne(".o_tower_console_stop").disabled).toBe(true);
    log.state = "done";
    await advanceTime(POLL_INTERVAL_MS);
});
