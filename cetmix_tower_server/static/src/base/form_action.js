/**
 * @param {string} model
 * @param {number} id
 * @returns {Object} action that opens the form of a record
 */
export function formAction(model, id) {
    return { type: "ir.actions.act_window", res_model: model, res_id: id, views: [[false, "form"]] };
}
