import { expect, test } from "@odoo/hoot";
import { animationFrame } from "@odoo/hoot-mock";
import { defineModels, getService, mountWebClient, onRpc } from "@web/../tests/web_test_helpers";
import { mailModels } from "@mail/../tests/mail_test_helpers";

defineModels(mailModels);

const WARNING = { kind: "connection", severity: "warning", message: "not reached the last time", line: "" };
const PROBLEM = { kind: "condition", severity: "problem", message: "cannot be read", line: "1" };

function makeServer(id, problems) {
    return {
        server: { id, reference: `s${id}`, name: `Server ${id}` },
        ok: !problems.includes(PROBLEM),
        would_run: 1,
        skipped: 0,
        undecided: 0,
        problems,
        notes: [],
        complete: true,
        lines: [],
    };
}

async function mountReport(...problemsOfServers) {
    const servers = problemsOfServers.map((problems, index) => makeServer(index + 1, problems));
    onRpc("cx.tower.plan", "dry_run", () => ({
        plan: { id: 1, reference: "p", name: "Plan" },
        servers,
        summary: { total: servers.length },
    }));
    await mountWebClient();
    await getService("action").doAction({
        type: "ir.actions.client",
        tag: "cetmix_tower_dry_run",
        params: { plan_id: 1, server_ids: servers.map((row) => row.server.id), variable_values: {} },
    });
    await animationFrame();
    await animationFrame();
}

test("servers without problems are ready", async () => {
    await mountReport([], []);
    expect(".o_tower_dry_run_summary").toHaveText(/All 2 servers are ready/);
});

test("servers with warnings are not counted as ready", async () => {
    await mountReport([], [WARNING]);
    expect(".o_tower_dry_run_summary").toHaveText(/warnings for 1 of 2 servers/);
    expect(".o_tower_dry_run_summary").not.toHaveText(/ready/);
    expect("i[title='Ready, with warnings']").toHaveCount(1);
});

test("a single server with a warning is not called ready", async () => {
    await mountReport([WARNING]);
    expect(".o_tower_dry_run_summary").toHaveText(/No problems were found, but there are warnings/);
});

test("problems take precedence over warnings", async () => {
    await mountReport([PROBLEM], [WARNING]);
    expect(".o_tower_dry_run_summary").toHaveText(/1 of 2 servers are ready, 1 have problems/);
});
