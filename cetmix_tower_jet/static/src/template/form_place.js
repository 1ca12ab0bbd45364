const FOCUSABLE = "input:not([type=hidden]), textarea, select, button, a[href], [tabindex='0']";

/** The form that is on top: in a dialog, or on the page. */
function currentForm() {
    return (
        document.querySelector(".modal:not(.o_inactive_modal) .o_form_view") ||
        document.querySelector(".o_form_view")
    );
}

/** The row of a list. Saved records are known by their id, new ones by the client's own. */
function rowOf(field, list, row) {
    const found = list?.records?.find((record) => record.resId === row || record._virtualId === row);
    return found && field.querySelector(`[data-id="${found.id}"]`);
}

/**
 * Leads to a place on the form of a record: opens its page, then the row of a list, or focuses the field.
 *
 * @param {Object} record of the form
 * @param {{page: string, field: string, row: number|string|false}} place `row`: id of the record, or the client's id of a new one
 */
export function showPlace(record, { page, field: name, row }) {
    const form = currentForm();
    form?.querySelector(`.o_notebook .nav-link[name="${page}"]`)?.click();
    // The page is drawn after this event.
    setTimeout(() => {
        const field = form?.querySelector(`.o_field_widget[name="${name}"]`);
        field?.scrollIntoView({ block: "center" });
        const found = row && field && rowOf(field, record.data[name], row);
        if (found) {
            (found.querySelector(".o_data_cell:not(.o_handle_cell)") || found).click();
        } else {
            field?.querySelector(FOCUSABLE)?.focus();
        }
    });
}
