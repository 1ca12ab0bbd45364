import { POLL_INTERVAL_MS } from "@cetmix_tower_server/run/run_follower";
import { useRunFollower } from "@cetmix_tower_server/run/use_run_follower";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { beforeEach, describe, expect, test } from "@odoo/hoot";
import { advanceTime, animationFrame, Deferred } from "@odoo/hoot-mock";
import { Component, useState, xml } from "@odoo/owl";
import { ConnectionLostError } from "@web/core/network/rpc";
import { mockService, mountWithCleanup } from "@web/../tests/web_test_helpers";

describe.current.tags("headless");
defineMailModels();

let read;
let announce;
let steps;

beforeEach(() => {
    steps = [];
});

class Screen extends Component {
    static template = xml`<div class="screen" t-att-data-offline="follower.isOffline" t-out="follower.error"/>`;
    static props = ["runId"];

    setup() {
        this.follower = useRunFollower({
            prop: "runId",
            busType: "some_run",
            onOpen: (id) => steps.push(`open ${id}`),
            onClose: () => steps.push("close"),
            read: () => read(),
            onResult: ({ text }) => steps.push(text),
        });
    }
}

class Parent extends Component {
    static template = xml`<Screen t-if="state.runId" runId="state.runId"/>`;
    static components = { Screen };
    static props = [];

    setup() {
        this.state = useState({ runId: 1 });
    }
}

async function mount() {
    mockService("bus_service", {
        addChannel: (channel) => steps.push(`listen to ${channel}`),
        deleteChannel: (channel) => steps.push(`leave ${channel}`),
        subscribe: (type, callback) => (announce = callback),
        unsubscribe: () => (announce = null),
        addEventListener() {},
        removeEventListener() {},
        start() {},
    });
    const parent = await mountWithCleanup(Parent);
    await animationFrame();
    return parent;
}

test("follows the run that is shown, then the next one", async () => {
    read = async () => ({ finished: true, text: "over" });
    const parent = await mount();
    expect(steps.splice(0)).toEqual(["listen to some_run/1", "open 1", "over"]);
    parent.state.runId = 2;
    await animationFrame();
    expect(steps.splice(0)).toEqual(["close", "leave some_run/1", "listen to some_run/2", "open 2", "over"]);
    parent.state.runId = null;
    await animationFrame();
    expect(announce).toBe(null);
    expect(steps.splice(0)).toEqual(["close", "leave some_run/2"]);
});

test("only announcements of this run trigger a read", async () => {
    read = async () => ({ finished: false, text: "read" });
    await mount();
    await advanceTime(500);
    expect(steps.splice(0)).toEqual(["listen to some_run/1", "open 1", "read"]);
    announce({ id: 2 });
    await advanceTime(0);
    expect(steps.splice(0)).toEqual([]);
    announce({ id: 1 });
    await advanceTime(0);
    expect(steps.splice(0)).toEqual(["read"]);
});

test("a component that is removed while it reads gets no result", async () => {
    const answer = new Deferred();
    read = () => answer;
    const parent = await mount();
    parent.state.runId = null;
    await animationFrame();
    answer.resolve({ finished: false, text: "too late" });
    await advanceTime(10 * POLL_INTERVAL_MS);
    expect(steps.splice(0)).toEqual(["listen to some_run/1", "open 1", "close", "leave some_run/1"]);
});

test("a lost connection is shown until it is back, an error stays", async () => {
    read = async () => {
        throw new ConnectionLostError("/");
    };
    await mount();
    expect(".screen").toHaveAttribute("data-offline");
    read = async () => ({ finished: false, text: "back" });
    await advanceTime(2 * POLL_INTERVAL_MS);
    await animationFrame();
    expect(".screen").not.toHaveAttribute("data-offline");
    read = async () => {
        throw new Error("You may not read this.");
    };
    await advanceTime(POLL_INTERVAL_MS);
    await animationFrame();
    expect(".screen").toHaveText("You may not read this.");
    expect(steps.splice(0)).toEqual(["listen to some_run/1", "open 1", "back"]);
});
