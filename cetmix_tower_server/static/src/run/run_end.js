/** What the form of a run has to read so that `reloadWhenEnded` works. */
export const STATE_FIELD = { name: "state", type: "selection" };

/**
 * Reads the form of a run again when the run has ended and the form does not show that. What the form shows decides, not
 * whether somebody saw the run end: a run may be over before its console has read for the first time.
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
