import { FIRST_READ_CHARACTERS, OutputReader } from "@cetmix_tower_server/command/output_reader";
import { describe, expect, test } from "@odoo/hoot";

describe.current.tags("headless");

/** Reads a log of so many characters, and notes the offsets. */
function readerOf(size, { finished = true } = {}) {
    const offsets = [];
    const reader = new OutputReader(async (offset, limit) => {
        offsets.push(offset);
        const end = Math.min(size, offset + limit);
        return { end, more: end < size, finished };
    });
    return { offsets, reader };
}

test("while one piece is printed, the next one is on its way", async () => {
    const { offsets, reader } = readerOf(FIRST_READ_CHARACTERS + 1);
    expect(await reader.read()).toEqual({ end: FIRST_READ_CHARACTERS, more: true, finished: false });
    expect(offsets).toEqual([0, FIRST_READ_CHARACTERS]);
    expect(await reader.read()).toEqual({ end: FIRST_READ_CHARACTERS + 1, more: false, finished: true });
    expect(offsets).toHaveLength(2);
});

test("a piece that could not be read is read again", async () => {
    let isOffline = false;
    const reader = new OutputReader(async (offset) => {
        if (isOffline) {
            throw new Error("offline");
        }
        return { end: offset + 10, more: offset === 0, finished: true };
    });
    const first = reader.read();
    isOffline = true;
    await first;
    await expect(reader.read()).rejects.toThrow("offline");
    isOffline = false;
    expect(await reader.read()).toEqual({ end: 20, more: false, finished: true });
});

test("an answer with `more` but without progress ends the reading", async () => {
    const reader = new OutputReader(async () => ({ end: 0, more: true, finished: true }));
    expect(await reader.read()).toEqual({ end: 0, more: false, finished: true });
});
