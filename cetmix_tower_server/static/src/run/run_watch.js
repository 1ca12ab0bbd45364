import { onWillUnmount, useComponent } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { useService } from "@web/core/utils/hooks";

const POLL_MS = 2000;
const ACTIVE = ["queued", "running", "waiting"];

/**
 * While a record that a list or kanban shows has a run that goes on, asks now and then how that stands, and reads the view
 * again when it has changed. What the view shows decides, so a run of any length is seen.
 *
 * @param {string} field selection with the state of the record's last run
 */
export function useRunWatch(field) {
    const controller = useComponent();
    const orm = useService("orm");
    let isLooking = false;

    const active = () =>
        controller.model.isReady
            ? controller.model.root.records.filter((record) => ACTIVE.includes(record.data[field]))
            : [];

    async function hasChanged(records) {
        const rows = await orm.silent.read(
            controller.props.resModel,
            records.map((record) => record.resId),
            [field],
        );
        const states = Object.fromEntries(rows.map((row) => [row.id, row[field]]));
        return records.some((record) => states[record.resId] !== record.data[field]);
    }

    async function look() {
        const records = active();
        if (isLooking || document.hidden || !records.length || controller.model.root.selection?.length) {
            return;
        }
        isLooking = true;
        try {
            if (await hasChanged(records)) {
                await controller.model.load();
            }
        } catch {
            // Offline for a moment, or one was deleted meanwhile: asked again.
        } finally {
            isLooking = false;
        }
    }

    const timer = browser.setInterval(look, POLL_MS);
    onWillUnmount(() => browser.clearInterval(timer));
}
