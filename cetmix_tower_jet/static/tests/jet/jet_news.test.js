import { NewsCollector } from "@cetmix_tower_jet/jet/jet_news";
import { describe, expect, test } from "@odoo/hoot";
import { advanceTime, animationFrame, Deferred } from "@odoo/hoot-mock";
import { ConnectionLostError } from "@web/core/network/rpc";

describe.current.tags("headless");

function collect(take) {
    const taken = [];
    const collector = new NewsCollector(
        take ||
            ((ids) => {
                taken.push(ids);
            }),
    );
    collector.start();
    return { collector, taken };
}

test("ids that arrive together are passed on together, each once", async () => {
    const { collector, taken } = collect();
    collector.add([1, 2]);
    collector.add([2, 3]);
    expect(taken).toEqual([]);
    await advanceTime(250);
    expect(taken).toEqual([[1, 2, 3]]);
    collector.stop();
});

test("more than one call a second never happens", async () => {
    const { collector, taken } = collect();
    for (let number = 0; number < 30; number++) {
        collector.add([number]);
        await advanceTime(100);
    }
    expect(taken.length).toBeLessThan(5);
    await advanceTime(2000);
    expect(taken.flat()).toHaveLength(30);
    collector.stop();
});

test("what arrives during a call is passed on afterwards", async () => {
    const first = new Deferred();
    const taken = [];
    const { collector } = collect((ids) => {
        taken.push(ids);
        return taken.length === 1 ? first : undefined;
    });
    collector.add([1]);
    await advanceTime(250);
    collector.add([2]);
    await advanceTime(5000);
    expect(taken).toEqual([[1]]);
    first.resolve();
    await animationFrame();
    await advanceTime(20000);
    expect(taken).toEqual([[1], [2]]);
    collector.stop();
});

test("ids are kept when the call fails", async () => {
    const taken = [];
    const { collector } = collect((ids) => {
        taken.push(ids);
        if (taken.length === 1) {
            throw new ConnectionLostError("/web");
        }
    });
    collector.add([1]);
    await advanceTime(250);
    await advanceTime(5000);
    expect(taken).toEqual([[1], [1]]);
    collector.stop();
});

test("anything may have changed: no ids are passed on", async () => {
    const { collector, taken } = collect();
    collector.add([1]);
    collector.add(null);
    await advanceTime(250);
    expect(taken).toEqual([null]);
    collector.stop();
});

test("nothing is passed on after the end", async () => {
    const { collector, taken } = collect();
    collector.add([1]);
    collector.stop();
    await advanceTime(5000);
    expect(taken).toEqual([]);
});
