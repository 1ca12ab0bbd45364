import { formatSeconds } from "@cetmix_tower_server/base/fields/duration_field";
import { formatElapsed } from "@cetmix_tower_server/run/run_states";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { expect, test } from "@odoo/hoot";
import { makeMockEnv } from "@web/../tests/web_test_helpers";

defineMailModels();

test("times are readable", async () => {
    await makeMockEnv(); // brings the translations
    expect([0, 7, 750, 3723].map(formatElapsed)).toEqual(["0:00", "0:07", "12:30", "1:02:03"]);
    expect([0, 0.31, 12, 184, 7500].map((seconds) => String(formatSeconds(seconds)))).toEqual([
        "",
        "0.3 s",
        "12 s",
        "3 min 04 s",
        "2 h 05 min",
    ]);
});
