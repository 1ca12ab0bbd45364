import { onMounted, onWillUnmount } from "@odoo/owl";
import { useService } from "@web/core/utils/hooks";
import { POLL_INTERVAL_MS, RunFollower } from "./run_follower";

/**
 * Calls `refresh` every two seconds while the component is mounted and the page is visible. After a failure it is called
 * again later, because the connection may be lost for a moment.
 *
 * @param {() => Promise<void> | void} refresh reloads the view if that is necessary
 * @returns {RunFollower} its `hint` makes the next call happen sooner
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
 * Reloads a view when one of the runs it shows has ended or changed. It polls the records of the view, not the runs: a user
 * who may read a record is not always allowed to read its run and then receives no announcements.
 *
 * @param {Object} options
 * @param {() => Object[]} options.records records that are in a run according to the view
 * @param {string} options.field field that changes when the run ends
 * @param {() => boolean} options.isBusy whether the view must not be reloaded now: it has changes or a selection
 * @param {() => Promise<void>} options.reload reloads the view
 * @returns {RunFollower} its `hint` makes the next check happen sooner
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
