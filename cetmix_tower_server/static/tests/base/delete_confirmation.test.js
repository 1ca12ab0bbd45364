import { describeDeletion } from "@cetmix_tower_server/base/form/delete_confirmation";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { beforeEach, expect, test } from "@odoo/hoot";
import { makeMockEnv } from "@web/../tests/web_test_helpers";

defineMailModels();
beforeEach(() => makeMockEnv()); // texts are translated

function modelOf(resModel, effects = "") {
    return {
        config: { resModel },
        orm: {
            async call(model, method, args) {
                expect.step(`${model} ${method} ${args[0]}`);
                return effects;
            },
        },
    };
}

test("the question names the record and what is deleted with it", async () => {
    const model = modelOf("cx.tower.server", "Deleted as well: Files: 2.");
    const question = await describeDeletion(model, [{ resId: 7, data: { name: "Web 1" } }]);
    expect(question.title).toBe("Delete “Web 1”?");
    expect(question.body).toBe("Deleted as well: Files: 2.\nThis cannot be undone.");
    expect.verifySteps(["cx.tower.server describe_deletion 7"]);
});

test("the question for several records gives their number", async () => {
    const records = [
        { resId: 1, data: {} },
        { resId: 2, data: {} },
    ];
    expect((await describeDeletion(modelOf("cx.tower.command"), records)).title).toBe("Delete 2 records?");
    expect.verifySteps(["cx.tower.command describe_deletion 1,2"]);
});

test("nothing is deleted with a run", async () => {
    const question = await describeDeletion(modelOf("cx.tower.plan.log"), [{ resId: 1, data: {} }]);
    expect(question.body).toBe("This cannot be undone.");
    expect.verifySteps([]);
});
