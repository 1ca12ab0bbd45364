import { _t } from "@web/core/l10n/translation";
import { patch } from "@web/core/utils/patch";
import { Many2XAutocomplete } from "@web/views/fields/relational_utils";

// A many2one of Tower's records that offers nothing says why and what to do, instead of "No records".
patch(Many2XAutocomplete.prototype, {
    async suggest(request, lock) {
        const suggestions = await super.suggest(request, lock);
        const empty = suggestions.find((suggestion) => suggestion.cssClass === "o_m2o_no_result");
        if (empty && this.props.resModel.startsWith("cx.tower.")) {
            empty.label = request
                ? _t("No record that you may choose here matches “%s”.", request)
                : await this.towerEmptyHint(empty.label);
            empty.cssClass += " o_tower_empty_picker text-wrap";
        }
        return suggestions;
    },

    async towerEmptyHint(label) {
        try {
            return await this.orm.silent.call(this.props.resModel, "get_empty_hint", []);
        } catch {
            return label; // the model has no hint
        }
    },
});
