import { useEffect } from "@odoo/owl";
import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { patch } from "@web/core/utils/patch";
import { ViewButton } from "@web/views/view_button/view_button";

const PLACEHOLDER = /\{([\w.]+)\}/g;

/** Whether the current screen is one of Tower's. */
function isTowerScreen({ services }) {
    const { action, props } = services.action?.currentController || {};
    const model = props?.resModel || action?.res_model || "";
    return model.startsWith("cx.tower.") || String(action?.tag || "").startsWith("cetmix_tower");
}

/**
 * @param {string} text with `{field}` for a value of the record, `{parent.field}` for a value of the form around it and
 *     `{count}` for the number of selected records
 * @param {{record?: Object, list?: Object}} subject of the button
 * @returns {string}
 */
export function fillPlaceholders(text, { record, list }) {
    return text.replace(PLACEHOLDER, (_, path) => {
        if (path === "count") {
            return list?.selection?.length ?? 1;
        }
        const [name, ofParent] = path.split(".");
        const value = ofParent ? record?.evalContext.parent?.[ofParent] : record?.data[name];
        return value?.display_name ?? (value || "…");
    });
}

// On Tower's screens a confirmation focuses "Cancel": otherwise pressing the space bar twice could act on a host.
patch(ConfirmationDialog.prototype, {
    setup() {
        super.setup();
        const isTower = isTowerScreen(this.env);
        useEffect(
            (el) => {
                if (isTower && this.props.cancel) {
                    el?.querySelector(".modal-footer .btn:last-child")?.focus();
                }
            },
            () => [this.modalRef.el],
        );
    },
});

// Buttons of Tower's views may use placeholders in `confirm`, so that the question names the records.
patch(ViewButton.prototype, {
    get isTower() {
        return (this.props.record || this.props.list)?.resModel.startsWith("cx.tower.");
    },

    get clickParams() {
        const params = super.clickParams;
        return this.isTower && params.confirm?.includes("{")
            ? { ...params, confirm: fillPlaceholders(params.confirm, this.props) }
            : params;
    },
});
