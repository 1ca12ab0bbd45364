import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { patch } from "@web/core/utils/patch";
import { FormController } from "@web/views/form/form_controller";
import { KanbanController } from "@web/views/kanban/kanban_controller";
import { ListController } from "@web/views/list/list_controller";

/** Models of which nothing else is deleted with a record. They have no `describe_deletion`. */
const WITHOUT_EFFECTS = [
    "cx.tower.command.log",
    "cx.tower.plan.log",
    "cx.tower.fleet.run",
    "cx.tower.server.template.log",
    "cx.tower.worker",
];

/**
 * Dialogs of models whose records need more than a question before they are deleted.
 *
 * Model name -> `async (controller, ids) => boolean`: whether a dialog was opened. Otherwise the usual question is asked.
 */
const deletionDialogs = registry.category("tower_deletion_dialogs");

/**
 * Returns the question that is asked before records of Tower are deleted. It names the record and says what is deleted with
 * it and what stays.
 *
 * @param {Object} model relational model of the view
 * @param {Object[]} records
 * @returns {Promise<{title: string, body: string}>}
 */
export async function describeDeletion(model, records) {
    const { resModel } = model.config;
    const [first] = records;
    const title =
        records.length === 1
            ? _t("Delete “%s”?", first.data.display_name || first.data.name || first.resId)
            : _t("Delete %s records?", records.length);
    const ids = records.map((record) => record.resId).filter(Boolean);
    const hasEffects = !WITHOUT_EFFECTS.includes(resModel);
    const effects =
        hasEffects && ids.length ? await model.orm.call(resModel, "describe_deletion", [ids]) : "";
    return { title, body: [effects, _t("This cannot be undone.")].filter(Boolean).join("\n") };
}

// A new object for each class: `super` is bound to the object literal it stands in.
const withDeleteQuestion = () => ({
    setup() {
        super.setup();
        if (!this.props.resModel?.startsWith("cx.tower.")) {
            return;
        }
        const ask = this.deleteRecordsWithConfirmation;
        this.deleteRecordsWithConfirmation = async (dialogProps, records) => {
            const { root } = this.model;
            const chosen = records || (root.isDomainSelected ? [] : root.selection);
            const ids = chosen.map((record) => record.resId).filter(Boolean);
            const openDialog = deletionDialogs.get(this.props.resModel, null);
            if (openDialog && ids.length && (await openDialog(this, ids))) {
                return;
            }
            const question = chosen.length
                ? await describeDeletion(this.model, chosen)
                : { title: _t("Delete all of these records?"), body: _t("This cannot be undone.") };
            const body = [dialogProps?.body, question.body].filter(Boolean).join("\n");
            ask({ cancelLabel: _t("Keep"), ...question, ...dialogProps, body }, records);
        };
    },
});

for (const Controller of [FormController, ListController, KanbanController]) {
    patch(Controller.prototype, withDeleteQuestion());
}
