/** Fields that the form of a run must read for `reloadWhenEnded`. */
export const FIELDS_FOR_RELOAD = [{ name: "state", type: "selection" }];

/**
 * Reads the form of a run again if the run has ended and the form does not show it yet. What the form shows decides: a run
 * may have ended before its console reads for the first time.
 *
 * @param {Object} record of the form
 * @param {string} state in which the run ended
 * @returns {Promise<void> | undefined}
 */
export function reloadWhenEnded(record, state) {
    if (record.data.state !== state) {
        return record.load();
    }
}
