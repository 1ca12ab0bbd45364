import { makeRow, markChange } from "@cetmix_tower_server/file/diff_lines";
import { describeProgress, formatBytes, RunProgress } from "@cetmix_tower_server/run/run_progress";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { describe, expect, test } from "@odoo/hoot";
import { makeMockEnv, mountWithCleanup } from "@web/../tests/web_test_helpers";

describe.current.tags("desktop");
defineMailModels();

test("the common ends of two versions of a line are separated from the change", () => {
    expect(markChange("port = 80;", "port = 8080;")).toEqual({
        left: ["port = 80", "", ";"],
        right: ["port = 80", "80", ";"],
    });
    expect(markChange("a", "b")).toEqual({ left: ["", "a", ""], right: ["", "b", ""] });
    expect(markChange("same", "same")).toEqual({ left: ["same", "", ""], right: ["same", "", ""] });
    expect(markChange("", "x")).toEqual({ left: ["", "", ""], right: ["", "x", ""] });
});

test("a surrogate pair is never cut", () => {
    const { left, right } = markChange("x\u{1F600}y", "x\u{1F601}y");
    expect(left).toEqual(["x", "\u{1F600}", "y"]);
    expect(right).toEqual(["x", "\u{1F601}", "y"]);
});

test("a side without a line has no number", async () => {
    await makeMockEnv(); // brings the translations
    expect(makeRow(["removed", 3, "gone", 0, ""], 0)).toEqual({
        key: 0,
        kind: "removed",
        left: { number: 3, parts: ["gone", "", ""] },
        right: { number: "", parts: ["", "", ""] },
    });
    expect(makeRow(["gap", 12, "", 0, ""], 1).text).toBe("12 unchanged lines");
});

test("progress is shown in bytes of one file or in files", async () => {
    await makeMockEnv(); // brings the translations
    expect(formatBytes(0)).toBe("0 B");
    expect(formatBytes(999)).toBe("999 B");
    expect(formatBytes(1500)).toBe("1.5 kB");
    expect(formatBytes(250e6)).toBe("250 MB");
    expect(describeProgress({ done: 2, total: 40, text: "" })).toBe("2 of 40 files");
    expect(describeProgress({ done: 1e6, total: 4e6, text: "/a" })).toBe("/a: 1.0 MB of 4.0 MB");
    expect(describeProgress({ done: 1e6, total: 0, text: "/a" })).toBe("/a: 1.0 MB");
});

test("the progress bar is accessible to screen readers", async () => {
    await mountWithCleanup(RunProgress, { props: { progress: { done: 5, total: 20, text: "" } } });
    expect("[role=progressbar]").toHaveAttribute("aria-valuenow", "25");
    expect(".progress-bar").toHaveAttribute("style", "width: 25%");
    expect(".o_tower_progress_text").toHaveText("5 of 20 files");
});

test("progress without a known total shows no percentage", async () => {
    await mountWithCleanup(RunProgress, { props: { progress: { done: 5000, total: 0, text: "/a" } } });
    expect("[role=progressbar]").toHaveAttribute("aria-valuenow", "0");
    expect(".o_tower_progress_text").toHaveText("/a: 5.0 kB");
});
