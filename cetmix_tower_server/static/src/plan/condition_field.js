import { _t } from "@web/core/l10n/translation";
import { usePopover } from "@web/core/popover/popover_hook";
import { registry } from "@web/core/registry";
import { CharField, charField } from "@web/views/fields/char/char_field";
import { VariablePicker } from "../variable/variable_picker";

/** A text field that may use variables, with a button that inserts one at the cursor. */
export class TowerConditionField extends CharField {
    static template = "cetmix_tower_server.TowerConditionField";

    setup() {
        super.setup();
        this.selectionEnd = this.selectionStart;
        this.picker = usePopover(VariablePicker, {
            position: "bottom-end",
            popoverClass: "o_tower_variable_picker_popover",
        });
    }

    onBlur() {
        super.onBlur();
        this.selectionEnd = this.input.el.selectionEnd;
    }

    openPicker(ev) {
        this.picker.open(ev.currentTarget, { onSelect: (reference) => this.insert(reference) });
    }

    insert(reference) {
        this.picker.close();
        const input = this.input.el;
        input.focus();
        input.setRangeText(`{{ ${reference} }}`, this.selectionStart, this.selectionEnd, "end");
        // The browser sends no events for a text that is set by code; the field needs them to keep and check it at once.
        input.dispatchEvent(new Event("input", { bubbles: true }));
        input.dispatchEvent(new Event("change", { bubbles: true }));
        this.selectionStart = this.selectionEnd = input.selectionEnd;
    }
}

registry.category("fields").add("tower_condition", {
    ...charField,
    component: TowerConditionField,
    displayName: _t("Text with variables"),
    supportedTypes: ["char"],
});
