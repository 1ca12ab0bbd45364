import { _t } from "@web/core/l10n/translation";
import { patch } from "@web/core/utils/patch";
import { FormController } from "@web/views/form/form_controller";
import { KanbanController } from "@web/views/kanban/kanban_controller";
import { ListController } from "@web/views/list/list_controller";

/** Models of logs have nothing that goes along. */
const WITHOUT_EFFECTS = /\.(log|fleet\.run|worker)$/;

/**
 * What is asked before records of Tower are deleted: by name, with what goes along and what stays.
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
    const hasEffects = !WITHOUT_EFFECTS.test(resModel) || resModel === "cx.tower.server.log";
    const effects =
        hasEffects && ids.length ? await model.orm.call(resModel, "describe_deletion", [ids]) : "";
    return { title, body: [effects, _t("This cannot be undone.")].filter(Boolean).join("\n") };
}

// An object for each class: "super" belongs to the object it is written in.
const saysWhatGoes = () => ({
    setup() {
        super.setup();
        if (!this.props.resModel?.startsWith("cx.tower.")) {
            return;
        }
        const ask = this.deleteRecordsWithConfirmation;
        this.deleteRecordsWithConfirmation = async (dialogProps, records) => {
            const { root } = this.model;
            const chosen = records || (root.isDomainSelected ? [] : root.selection);
            const question = chosen.length
                ? await describeDeletion(this.model, chosen)
                : { title: _t("Delete all of these records?"), body: _t("This cannot be undone.") };
            const body = [dialogProps?.body, question.body].filter(Boolean).join("\n");
            ask({ cancelLabel: _t("Keep"), ...question, ...dialogProps, body }, records);
        };
    },
});

for (const Controller of [FormController, ListController, KanbanController]) {
    patch(Controller.prototype, saysWhatGoes());
}
