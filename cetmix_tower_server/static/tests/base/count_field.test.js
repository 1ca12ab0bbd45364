import { expect, test } from "@odoo/hoot";
import { queryAllTexts } from "@odoo/hoot-dom";
import { defineModels, fields, models, mountView } from "@web/../tests/web_test_helpers";
import { mailModels } from "@mail/../tests/mail_test_helpers";

class Owner extends models.Model {
    _name = "owner";
    few = fields.Integer();
    many = fields.Integer();
    _records = [{ id: 1, few: 10000, many: 10001 }];
}

defineModels({ ...mailModels, Owner });

test("a count above the limit says that there are more", async () => {
    await mountView({
        type: "form",
        resModel: "owner",
        resId: 1,
        arch: `<form>
            <field name="few" widget="tower_count" string="Few"/>
            <field name="many" widget="tower_count" string="Many"/>
        </form>`,
    });
    expect(queryAllTexts(".o_stat_value")).toEqual(["10,000", "10,000+"]);
});
