import { onMounted, onWillUnmount } from "@odoo/owl";
import { useService } from "@web/core/utils/hooks";
import { POLL_INTERVAL_MS, RunFollower } from "./run_follower";

/**
 * Calls `refresh` every two seconds while the component is mounted and the page is shown. If it fails, it is called again
 * later: the connection may be lost for a moment.
 *
 * @param {() => Promise<void> | void} refresh reads the view again if that is needed now
 * @returns {RunFollower} whose `hint` refreshes sooner
 */
export function useViewRefresh(refresh) {
    const follower = new RunFollower({
        async read() {
            await refresh();
            return {};
        },
    });
    onMounted(() => follower.start(POLL_INTERVAL_MS));
    onWillUnmount(() => follower.stop());
    return follower;
}

/**
 * Reads a view again when one of the runs it shows has ended or changed. The records of the view are asked, not the runs:
 * who may read a record may not be able to read its run, so there may be no announcements.
 *
 * @param {Object} options
 * @param {() => Object[]} options.records records of the view that are in a run, as the view shows them
 * @param {string} options.field field of these records that tells
 * @param {() => boolean} options.isBusy whether the view must not be read now: somebody edits or has selected something
 * @param {() => Promise<void>} options.reload reads the view
 * @returns {RunFollower} whose `hint` looks sooner
 */
export function useRefreshAfterRuns({ records, field, isBusy, reload }) {
    const orm = useService("orm");

    async function hasChanged(shown) {
        const ids = shown.map((record) => record.resId);
        const rows = await orm.silent.read(shown[0].resModel, ids, [field]);
        const values = Object.fromEntries(rows.map((row) => [row.id, row[field]]));
        return shown.some((record) => values[record.resId] !== record.data[field]);
    }

    return useViewRefresh(async () => {
        const shown = records();
        if (shown.length && !isBusy() && (await hasChanged(shown)) && !isBusy()) {
            await reload();
        }
    });
}
