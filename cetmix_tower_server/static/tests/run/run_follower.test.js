import { POLL_INTERVAL_MS, RunFollower } from "@cetmix_tower_server/run/run_follower";
import { beforeEach, describe, expect, test } from "@odoo/hoot";
import { advanceTime, Deferred, freezeTime } from "@odoo/hoot-mock";
import { patchWithCleanup } from "@web/../tests/web_test_helpers";

describe.current.tags("headless");

beforeEach(freezeTime);

const RUNNING = { finished: false };
const FINISHED = { finished: true };

/** A follower whose reads answer one after the other; the last answer stays. Errors are thrown. */
function follow(answers, { retries = true } = {}) {
    const follower = new RunFollower({
        async read() {
            expect.step("read");
            const answer = await (answers.length > 1 ? answers.shift() : answers[0]);
            if (answer instanceof Error) {
                throw answer;
            }
            return answer;
        },
        onResult: ({ text }) => text && expect.step(text),
        onError(error) {
            expect.step(error.message);
            return retries;
        },
    });
    follower.start();
    return follower;
}

const soon = () => advanceTime(0);
const nextPoll = () => advanceTime(POLL_INTERVAL_MS);

test("a run is read until it has ended", async () => {
    follow([RUNNING, RUNNING, FINISHED]);
    await soon();
    await nextPoll();
    await nextPoll();
    expect.verifySteps(["read", "read", "read"]);
    await advanceTime(10 * POLL_INTERVAL_MS);
    expect.verifySteps([]);
});

test("a run that ended before it was followed is read once", async () => {
    const follower = follow([FINISHED]);
    await soon();
    follower.hint();
    await nextPoll();
    expect.verifySteps(["read"]);
    expect(follower.isFollowing).toBe(false);
});

test("a hint makes the next read happen sooner, with a pause after the last one", async () => {
    const follower = follow([RUNNING]);
    await soon();
    follower.hint();
    await advanceTime(10);
    expect.verifySteps(["read"]);
    await advanceTime(300);
    expect.verifySteps(["read"]);
    await advanceTime(600);
    follower.hint();
    await soon();
    expect.verifySteps(["read"]);
});

test("a hint during a read is not lost", async () => {
    const answer = new Deferred();
    const follower = follow([answer, FINISHED]);
    follower.hint();
    answer.resolve(RUNNING);
    await soon();
    await advanceTime(300);
    expect.verifySteps(["read", "read"]);
});

test("a hint after the end, or before the start, does nothing", async () => {
    const follower = new RunFollower({ read: () => expect.step("read") });
    follower.hint();
    await nextPoll();
    follower.start();
    follower.stop();
    follower.hint();
    await nextPoll();
    expect.verifySteps(["read"]);
});

test("failed reads are tried again with growing delays", async () => {
    follow([new Error("offline"), new Error("still offline"), RUNNING]);
    await soon();
    await advanceTime(2 * POLL_INTERVAL_MS - 100);
    expect.verifySteps(["read", "offline"]);
    await advanceTime(100);
    expect.verifySteps(["read", "still offline"]);
    await advanceTime(4 * POLL_INTERVAL_MS);
    expect.verifySteps(["read"]);
    await nextPoll();
    expect.verifySteps(["read"]); // as often as before
});

test("a hint while the connection is lost leads to a read", async () => {
    const follower = follow([new Error("offline"), FINISHED]);
    await soon();
    await advanceTime(300);
    follower.hint();
    await soon();
    expect.verifySteps(["read", "offline", "read"]);
});

test("an error that is not to be retried ends the reading until a new start", async () => {
    const follower = follow([new Error("refused"), FINISHED], { retries: false });
    await soon();
    await advanceTime(10 * POLL_INTERVAL_MS);
    expect.verifySteps(["read", "refused"]);
    follower.start();
    await soon();
    expect.verifySteps(["read"]);
});

test("the result of a read that was stopped is dropped", async () => {
    const answer = new Deferred();
    const follower = follow([answer]);
    follower.stop();
    answer.resolve({ text: "too late" });
    await advanceTime(10 * POLL_INTERVAL_MS);
    expect.verifySteps(["read"]);
});

test("the failure of a read that was stopped is dropped", async () => {
    const answer = new Deferred();
    const follower = follow([answer]);
    follower.stop();
    answer.reject(new Error("too late"));
    await advanceTime(10 * POLL_INTERVAL_MS);
    expect.verifySteps(["read"]);
});

test("a new start drops the read in progress and reads at once, also after the end", async () => {
    const answer = new Deferred();
    const follower = follow([answer, { text: "new", finished: true }]);
    follower.start();
    await soon();
    answer.resolve({ text: "old" });
    await soon();
    expect.verifySteps(["read", "read", "new"]);
    follower.start();
    await soon();
    expect.verifySteps(["read", "new"]);
});

test("pieces are read without pauses", async () => {
    follow([
        { more: true, text: "one" },
        { more: true, text: "two" },
        { finished: true, text: "three" },
    ]);
    await soon();
    expect.verifySteps(["read", "one", "read", "two", "read", "three"]);
});

test("the next read waits until the last result has been taken", async () => {
    const taken = new Deferred();
    const follower = new RunFollower({
        read: async () => expect.step("read") || RUNNING,
        onResult: () => taken,
    });
    follower.start();
    await soon();
    await advanceTime(10 * POLL_INTERVAL_MS);
    expect.verifySteps(["read"]);
    taken.resolve();
    await soon();
    await nextPoll();
    expect.verifySteps(["read"]);
    follower.stop();
});

test("a hidden page reads nothing, and at once when it is shown again", async () => {
    let hidden = false;
    patchWithCleanup(document, {
        get hidden() {
            return hidden;
        },
    });
    const follower = follow([RUNNING, FINISHED]);
    await soon();
    hidden = true;
    follower.hint();
    await advanceTime(10 * POLL_INTERVAL_MS);
    expect.verifySteps(["read"]);
    hidden = false;
    document.dispatchEvent(new Event("visibilitychange"));
    await soon();
    expect.verifySteps(["read"]);
});
