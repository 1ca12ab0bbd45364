import { CodeEditor } from "@web/core/code_editor/code_editor";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { AceField, aceField } from "@web/views/fields/ace/ace_field";

if (!CodeEditor.MODES.includes("sh")) {
    CodeEditor.MODES.push("sh");
}

/** Code editor for commands: shell or Python, depending on the action of the command. */
export class TowerCodeField extends AceField {
    static props = { ...AceField.props, actionField: { type: String, optional: true } };
    static defaultProps = { mode: "sh" };

    get mode() {
        const action = this.props.actionField && this.props.record.data[this.props.actionField];
        return action === "python_code" ? "python" : super.mode;
    }
}

registry.category("fields").add("tower_code", {
    ...aceField,
    component: TowerCodeField,
    displayName: _t("Tower code"),
    extractProps: ({ options }) => ({ mode: options.mode, actionField: options.action_field }),
});
