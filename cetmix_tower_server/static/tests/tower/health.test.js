import { expect, test } from "@odoo/hoot";
import { click, queryAllTexts } from "@odoo/hoot-dom";
import { advanceTime, animationFrame } from "@odoo/hoot-mock";
import { defineModels, getService, makeMockEnv, mountWebClient, onRpc } from "@web/../tests/web_test_helpers";
import { mailModels } from "@mail/../tests/mail_test_helpers";
import { formatAge } from "@cetmix_tower_server/tower/health";

defineModels(mailModels);

function makeCheck(name, values = {}) {
    return {
        name,
        label: name,
        status: "ok",
        value: 0,
        text: `text of ${name}`,
        advice: "",
        has_details: false,
        ...values,
    };
}

async function mountHealth(answers) {
    onRpc("cetmix.tower", "get_health", () => {
        expect.step("read");
        const answer = answers.length > 1 ? answers.shift() : answers[0];
        if (answer instanceof Error) {
            throw answer;
        }
        return answer;
    });
    await mountWebClient();
    await getService("action").doAction({ type: "ir.actions.client", tag: "cetmix_tower_health" });
    await animationFrame();
}

test("checks that need attention come first, with what to do", async () => {
    await mountHealth([
        {
            status: "error",
            checks: [
                makeCheck("queue"),
                makeCheck("cron", { status: "error", value: 200, advice: "Start the cron." }),
                makeCheck("interrupted", { status: "warning", value: 3 }),
            ],
        },
    ]);
    expect(".o_tower_health_summary").toHaveText(/2 checks need attention/);
    expect(queryAllTexts(".o_tower_health_tile .fw-bold")).toEqual(["cron", "interrupted", "queue"]);
    expect(".o_tower_health_tile[data-check=cron]").toHaveText(/Start the cron/);
    expect(".o_tower_health_tile[data-check=cron] .o_tower_health_value").toHaveText("3 min");
    expect.verifySteps(["read"]);
});

test("the page refreshes and says when Tower does not answer", async () => {
    await mountHealth([
        { status: "ok", checks: [makeCheck("queue")] },
        new Error("gone"),
        { status: "ok", checks: [makeCheck("queue", { value: 7 })] },
    ]);
    expect(".o_tower_health_summary").toHaveText(/Everything is fine/);
    await advanceTime(11000);
    await animationFrame();
    expect(".alert-danger").toHaveCount(1);
    await advanceTime(11000);
    await animationFrame();
    expect(".alert-danger").toHaveCount(0);
    expect(".o_tower_health_value").toHaveText("7");
    expect.verifySteps(["read", "read", "read"]);
});

test("a tile opens its details", async () => {
    await mountHealth([
        { status: "ok", checks: [makeCheck("queue", { has_details: true }), makeCheck("clock")] },
    ]);
    onRpc("cetmix.tower", "open_health_check", ({ args }) => {
        expect.step(`open ${args[0]}`);
        return { type: "ir.actions.act_window_close" };
    });
    await click(".o_tower_health_tile[data-check=queue]");
    await animationFrame();
    expect(".o_tower_health_tile[data-check=clock]").not.toBeEnabled();
    expect.verifySteps(["read", "open queue"]);
});

test("markup in a text is text", async () => {
    await mountHealth([{ status: "ok", checks: [makeCheck("servers", { text: "<b class='evil'>x</b>" })] }]);
    expect(".evil").toHaveCount(0);
    expect.verifySteps(["read"]);
});

test("ages are readable", async () => {
    await makeMockEnv(); // brings the translations
    expect([0, 119, 120, 7199, 7200].map((seconds) => String(formatAge(seconds)))).toEqual([
        "0 s",
        "119 s",
        "2 min",
        "119 min",
        "2 h",
    ]);
});
