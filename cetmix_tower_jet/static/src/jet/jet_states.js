import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";
import { useJetMoves } from "./use_jet_moves";

/** The states that a jet can be brought to, each with a button. The way there is shown before it starts. */
export class JetStatesField extends Component {
    static template = "cetmix_tower_jet.JetStatesField";
    static props = { ...standardFieldProps };

    setup() {
        this.moves = useJetMoves();
    }

    get states() {
        return this.props.record.data[this.props.name].records.map(({ resId, data }) => ({
            id: resId,
            name: data.display_name,
            reference: data.reference,
            color: data.color,
        }));
    }

    bring(state) {
        const { record } = this.props;
        return this.moves.askToBring({ id: record.resId, name: record.data.name }, state);
    }
}

registry.category("fields").add("tower_jet_states", {
    component: JetStatesField,
    displayName: _t("States that a jet can be brought to"),
    supportedTypes: ["many2many"],
    relatedFields: [
        { name: "display_name", type: "char" },
        { name: "reference", type: "char" },
        { name: "color", type: "integer" },
    ],
    fieldDependencies: [{ name: "name", type: "char" }],
});
