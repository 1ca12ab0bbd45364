import { WaypointComparison } from "@cetmix_tower_jet/waypoint/waypoint_comparison";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { describe, expect, test } from "@odoo/hoot";
import { click, press, queryAllTexts, queryFirst, waitFor, waitForNone } from "@odoo/hoot-dom";
import { animationFrame, Deferred } from "@odoo/hoot-mock";
import { contains, getService, mountWithCleanup, onRpc } from "@web/../tests/web_test_helpers";
import { WebClient } from "@web/webclient/webclient";

describe.current.tags("desktop");
defineMailModels();

const entry = (key, kind, rows, more = {}) => ({ key, name: key, kind, rows, cut: false, ...more });
const VARIABLES = [
    entry("edition", "changed", [["changed", 1, "new", 1, "old"]], { name: "Edition" }),
    entry("port", "added", [["added", 0, "", 1, "80"]]),
    entry("config", "changed", [
        ["same", 1, "a", 1, "a"],
        ["removed", 2, "b", 0, ""],
        ["gap", 12, "", 0, ""],
    ]),
    entry("mode", "same", [["same", 1, "fast\nor so", 1, "fast\nor so"]]),
];
const COMPARISON = {
    before: "“Shop” now",
    after: "Before the update",
    hidden: false,
    variables: VARIABLES,
    metadata: [],
};
const show = (changes = {}) =>
    mountWithCleanup(WaypointComparison, { props: { comparison: { ...COMPARISON, ...changes } } });

test("both sides are labelled and each difference is shown with its kind", async () => {
    await show();
    expect(queryAllTexts("[role=columnheader]")).toEqual(["“Shop” now", "Before the update"]);
    expect("[data-part=variables] .o_tower_comparison_counts").toHaveText("2 changed, 1 added");
    expect("[data-key=edition][data-kind=changed] .badge").toHaveText("Changed");
    expect("[data-key=edition] .o_tower_diff_left").toHaveText("new");
    expect("[data-key=edition] .o_tower_diff_right").toHaveText("old");
    expect("[data-key=edition] code").toHaveText("edition");
    expect("[data-key=port] .o_tower_diff_added .o_tower_diff_right").toHaveText("80");
    expect("[data-key=port] code").toHaveCount(0);
    expect("[data-part=metadata]").toHaveCount(0);
    expect(".o_tower_comparison_equal").toHaveCount(0);
});

test("only texts of several lines have numbers", async () => {
    await show();
    expect("[data-key=edition] .o_tower_diff_number").toHaveCount(0);
    expect("[data-key=config] .o_tower_diff_number").toHaveCount(4);
    expect("[data-key=config] .o_tower_diff_gap").toHaveText("12 unchanged lines");
});

test("what is equal is folded", async () => {
    await show();
    expect("details:not([open]) summary").toHaveText("1 unchanged");
    await click("details summary");
    expect("details dd").toHaveText("fast\nor so");
});

test("it says when there is no difference, and when something is left out", async () => {
    await show({ variables: [VARIABLES[3]], hidden: true });
    expect(".o_tower_comparison_equal").toHaveText("There is no difference.");
    expect("[role=table]").toHaveCount(0);
    expect("details").toHaveCount(1);
    expect(".o_tower_comparison_hidden").toHaveText("Values that you may not see are left out.");
});

test("nothing at all", async () => {
    await show({ variables: [] });
    expect(".o_tower_comparison").toHaveText("There is no difference.");
});

test("long texts are wrapped, cut ones and those that were not compared say so", async () => {
    const long = "x".repeat(5000);
    await show({
        variables: [
            entry("long", "changed", [["changed", 1, long, 1, `${long}y`]]),
            entry("cut", "changed", [["changed", 1, "a", 1, "b"]], { cut: true }),
            entry("huge", "changed", []),
        ],
    });
    const { scrollWidth, clientWidth } = queryFirst(".o_tower_comparison");
    expect(scrollWidth).toBe(clientWidth);
    expect("[data-key=long] .o_tower_diff_right mark").toHaveText("y");
    expect("[data-key=cut] .o_tower_comparison_note").toHaveText(/More differences exist/);
    expect("[data-key=huge] .o_tower_comparison_note").toHaveText(/too long to be compared/);
});

test("texts are shown as they are, never as HTML", async () => {
    await show({
        variables: [entry("<i>k</i>", "added", [["added", 0, "", 1, "<b>v</b>"]])],
        metadata: [entry("m", "same", [["same", 1, "<b>m</b>", 1, "<b>m</b>"]])],
    });
    expect(".o_tower_comparison :is(b, i)").toHaveCount(0);
    expect(".o_tower_comparison").toHaveText(/<b>v<\/b>/);
});

// The dialogs

const FLIGHT = {
    waypoint: "Before the update",
    jet: 7,
    jet_name: "Shop",
    refusal: "",
    steps: ["“Back up” runs to leave “Here”."],
    comparison: COMPARISON,
};

async function ask(flight, options) {
    onRpc("cx.tower.jet.waypoint", "read_flight", ({ args }) => {
        expect.step(`read_flight ${args[0]}`);
        return { ...FLIGHT, ...flight };
    });
    await mountWithCleanup(WebClient);
    const params = { waypoint_id: 3, flies: true };
    await getService("action").doAction(
        { type: "ir.actions.client", tag: "cetmix_tower_jet_comparison", params },
        options,
    );
    await waitFor(".modal");
    expect.verifySteps(["read_flight 3"]);
}

test("before a flight its plans and changes are shown, and a click on the button flies", async () => {
    onRpc("cx.tower.jet.waypoint", "fly_to", ({ args }) => {
        expect.step(`fly_to ${args[0]}`);
        return { state: "current", message: "" };
    });
    await ask({}, { onClose: () => expect.step("closed") });
    expect(".modal-title").toHaveText("Fly “Shop” to “Before the update”?");
    expect(".o_tower_flight_steps").toHaveText("“Back up” runs to leave “Here”.");
    expect(".modal [data-key=edition]").toHaveCount(1);
    expect(".modal-footer .btn-primary").toHaveText("Fly here");
    await contains(".modal-footer .btn-primary").click();
    await waitForNone(".modal");
    expect.verifySteps(["fly_to 3", "closed"]);
});

test("a second click does not fly again", async () => {
    const answer = new Deferred();
    onRpc("cx.tower.jet.waypoint", "fly_to", () => {
        expect.step("fly_to");
        return answer;
    });
    await ask();
    await click(".o_tower_fly");
    await click(".o_tower_fly");
    await animationFrame();
    expect(".o_tower_fly").toHaveAttribute("disabled");
    answer.resolve({ state: "arriving", message: "" });
    await waitForNone(".modal");
    expect.verifySteps(["fly_to"]);
});

test("cancelling flies nowhere", async () => {
    await ask();
    await contains(".modal-footer .btn-secondary").click();
    await waitForNone(".modal");
    expect.verifySteps([]);
});

test("a flight that failed at once says why", async () => {
    onRpc("cx.tower.jet.waypoint", "fly_to", () => ({ state: "error", message: "No space left" }));
    await ask();
    await contains(".o_tower_fly").click();
    await waitFor(".o_notification:contains(No space left)");
});

test("where the jet cannot fly, the reason stands in place of the button", async () => {
    await ask({ refusal: "The variable “edition” no longer exists.\nAnd another.", steps: [] });
    expect(".o_tower_flight_refusal").toHaveText("The variable “edition” no longer exists.\nAnd another.");
    expect(".o_tower_fly, .o_tower_flight_steps").toHaveCount(0);
    expect(".modal-footer button").toHaveText("Close");
    expect(".modal [data-key=edition]").toHaveCount(1);
});

test("a waypoint that was never ready has nothing to compare", async () => {
    await ask({ refusal: "“Draft” is a draft. Prepare it first.", comparison: false });
    expect(".o_tower_comparison").toHaveCount(0);
});

test("two waypoints, or one with now, are compared in a dialog", async () => {
    onRpc("cx.tower.jet.waypoint", "read_comparison", ({ args, kwargs }) => {
        expect.step(`${args[0]} with ${kwargs.other}`);
        return COMPARISON;
    });
    await mountWithCleanup(WebClient);
    for (const other_id of [false, 4]) {
        const params = { waypoint_id: 3, other_id };
        await getService("action").doAction({
            type: "ir.actions.client",
            tag: "cetmix_tower_jet_comparison",
            params,
        });
        await waitFor(".modal .o_tower_comparison");
        expect(".modal-title").toHaveText("“Shop” now → Before the update");
        expect(".modal-footer button:contains(Close)").toBeFocused();
        await press("Escape");
        await waitForNone(".modal");
    }
    expect.verifySteps(["3 with null", "3 with 4"]);
});
