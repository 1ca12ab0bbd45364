import { Component, xml } from "@odoo/owl";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { useJetMoves } from "./use_jet_moves";

const SHOWN_ON_PHONES = 2;

/**
 * The available actions of a jet as buttons; a click asks first. The first one is the next in the usual order; those
 * beyond `shown`, on a phone all but two, are in a menu. While the jet is busy: Stop, for those who may.
 */
export class JetActionsField extends Component {
    static template = "cetmix_tower_jet.JetActionsField";
    static components = { Dropdown, DropdownItem };
    static props = {
        ...standardFieldProps,
        shown: { type: Number, optional: true },
        small: { type: Boolean, optional: true },
        withStop: { type: Boolean, optional: true },
    };
    static defaultProps = { shown: 6, small: false, withStop: true };

    setup() {
        this.moves = useJetMoves();
    }

    get jet() {
        const { record } = this.props;
        return { id: record.resId, name: record.data.name };
    }

    get actions() {
        return this.props.record.data[this.props.name].records.map((one) => ({
            id: one.resId,
            name: one.data.display_name,
        }));
    }

    get buttons() {
        const { shown, small } = this.props;
        return this.actions.slice(0, this.env.isSmall && !small ? SHOWN_ON_PHONES : shown);
    }

    get others() {
        return this.actions.slice(this.buttons.length);
    }

    get mayStop() {
        return this.props.withStop && this.props.record.data.may_stop;
    }

    get moreLabel() {
        return _t("More actions");
    }

    classOf(index) {
        const size = this.props.small ? "btn-sm " : "";
        return size + (index ? "btn-secondary" : "btn-primary");
    }
}

export const jetActionsField = {
    component: JetActionsField,
    displayName: _t("Actions of a jet"),
    supportedTypes: ["many2many"],
    relatedFields: [{ name: "display_name", type: "char" }],
    fieldDependencies: [
        { name: "name", type: "char" },
        { name: "may_stop", type: "boolean", readonly: true },
    ],
    extractProps: ({ options }) => ({
        shown: options.shown,
        small: options.small,
        withStop: !options.no_stop,
    }),
};
registry.category("fields").add("tower_jet_actions", jetActionsField);

/** `<widget name="tower_jet_header"/>` among the buttons of a jet's form: the actions that are available now. */
export class JetHeader extends Component {
    static template = xml`<JetActionsField name="'action_available_ids'" record="props.record" readonly="true" />`;
    static components = { JetActionsField };
    static props = { ...standardWidgetProps };
}

registry.category("view_widgets").add("tower_jet_header", {
    component: JetHeader,
    fieldDependencies: jetActionsField.fieldDependencies,
});
