import { TowerFormController, towerFormView } from "@cetmix_tower_server/base/form/tower_form";
import { pick } from "@web/core/utils/objects";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { getFieldsSpec } from "@web/model/relational_model/utils";
import { useJetNews } from "./jet_news";

/** Fields of a record that can be read again without losing what the user is doing. */
function untouchedFields(record) {
    const isTouched = (name) => name in record._changes || Boolean(record.data[name]?.editedRecord);
    return record.fieldNames.filter((name) => !isTouched(name));
}

/**
 * Reads a record again, except for what the user has changed.
 *
 * @param {Object} model of a form
 * @returns {Promise<boolean>} false if the record no longer exists
 */
export async function refreshUntouched(model) {
    const { root } = model;
    const { resId, resModel, activeFields, fields } = root;
    const spec = getFieldsSpec(activeFields, fields, root.evalContext);
    const before = { ...root._values };
    const [values] = await model.orm.silent.webRead(resModel, [resId], {
        specification: pick(spec, ...untouchedFields(root)),
        context: { bin_size: true, ...root.context },
    });
    await model.mutex.exec(() => {
        if (values && root === model.root && root.resId === resId) {
            // what was saved meanwhile is newer than what was read
            const names = untouchedFields(root).filter((name) => root._values[name] === before[name]);
            root._applyValues(pick(values, ...names));
        }
    });
    return Boolean(values);
}

/** The form of a jet. What moves on it is always up to date, and what the user is typing stays. */
export class JetFormController extends TowerFormController {
    setup() {
        super.setup();
        this.orm = useService("orm");
        useJetNews(
            (ids) => this.refresh(ids),
            () => (this.isMoving ? this.movingIds : []),
        );
    }

    /** Ids of the jets to look at from time to time while something moves. */
    get movingIds() {
        return [this.model.root.resId];
    }

    get isMoving() {
        return this.model.isReady && this.model.root.data.movement === "busy";
    }

    getStaticActionMenuItems() {
        const { data } = this.model.root;
        const item = (sequence, description, icon, method, isAvailable) => ({
            sequence,
            description,
            icon,
            isAvailable,
            callback: () => this.openWizard(method),
        });
        return {
            ...super.getStaticActionMenuItems(),
            clone: item(25, _t("Clone"), "fa fa-files-o", "action_open_clone_wizard", () => data.may_clone),
            transfer: item(
                26,
                _t("Transfer"),
                "fa fa-exchange",
                "action_open_transfer_wizard",
                () => data.may_transfer,
            ),
        };
    }

    /** Opens a wizard for this jet, as it is stored: what the user has changed is saved before. */
    async openWizard(method) {
        const { root } = this.model;
        if (await root.save()) {
            const action = await this.orm.call("cx.tower.jet", method, [[root.resId]]);
            await this.env.services.action.doAction(action);
        }
    }

    /** Whether one of the jets is shown: this one, or one that it depends on or serves. */
    isConcerned(ids) {
        const { data, resId } = this.model.root;
        const linked = (list, name) => data[list]?.records.map((link) => link.data[name]?.id) || [];
        const shown = [
            resId,
            ...linked("jet_requires_ids", "jet_depends_on_id"),
            ...linked("jet_required_by_ids", "jet_id"),
        ];
        return !ids || ids.some((id) => shown.includes(id));
    }

    async refresh(ids) {
        if (this.model.isReady && this.model.root.resId && this.isConcerned(ids)) {
            if (await refreshUntouched(this.model)) {
                this.applyRights(this.model.root);
            } else {
                this.onGone();
            }
        }
    }

    /** The record was deleted, by someone else or by its last movement. */
    onGone() {}
}

registry.category("views").add("tower_jet_form", { ...towerFormView, Controller: JetFormController });
