import { hasTouch } from "@web/core/browser/feature_detection";
import { registry } from "@web/core/registry";
import { FormController } from "@web/views/form/form_controller";
import { FormRenderer } from "@web/views/form/form_renderer";
import { formView } from "@web/views/form/form_view";
import { useFocusOffButtons } from "./focus_off_buttons";

/**
 * The form of all models of Tower.
 *
 * A record that the user may not write is read-only, and one line says who may write it: the fields `may_write`, `may_copy`,
 * `may_delete` and `readonly_reason` come with the record (see `cx.tower.rights.mixin`). No button is focused when the form
 * opens: the first one often acts on a host, and pressing the space bar would be enough.
 */
export class TowerFormController extends FormController {
    static template = "cetmix_tower_server.FormView";

    setup() {
        super.setup();
        useFocusOffButtons(this.rootRef);
    }

    get modelParams() {
        const params = super.modelParams;
        params.hooks.onRootLoaded = (root) => this.applyRights(root);
        return params;
    }

    applyRights(root) {
        if (this.props.readonly || !("may_write" in root.data)) {
            return;
        }
        const mode = root.isNew || root.data.may_write ? "edit" : "readonly";
        if (root.config.mode !== mode) {
            // Not awaited: it waits for the load that has called this hook.
            root.switchMode(mode);
        }
    }

    get mayWrite() {
        return this.model.root.isNew || this.model.root.data.may_write !== false;
    }

    get readonlyReason() {
        return this.mayWrite ? "" : this.model.root.data.readonly_reason;
    }

    get archiveEnabled() {
        return super.archiveEnabled && this.mayWrite;
    }

    getStaticActionMenuItems() {
        const items = super.getStaticActionMenuItems();
        const may = (item, allowed) => ({ ...item, isAvailable: () => item.isAvailable() && allowed() });
        const { data } = this.model.root;
        return {
            ...items,
            duplicate: may(items.duplicate, () => data.may_copy !== false),
            delete: may(items.delete, () => data.may_delete !== false),
        };
    }
}

/** Focuses the first field of a new record, as other forms do, but no button. */
export class TowerFormRenderer extends FormRenderer {
    get shouldAutoFocus() {
        return !hasTouch() && this.props.archInfo.focusesFields;
    }
}

export const towerFormView = {
    ...formView,
    Controller: TowerFormController,
    Renderer: TowerFormRenderer,
    props(genericProps, view) {
        const props = formView.props(genericProps, view);
        const focusesFields = !props.archInfo.disableAutofocus;
        return { ...props, archInfo: { ...props.archInfo, disableAutofocus: true, focusesFields } };
    },
};

registry.category("views").add("tower_form", towerFormView);
