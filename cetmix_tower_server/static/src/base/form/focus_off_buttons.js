import { onMounted, useEnv } from "@odoo/owl";

/**
 * Focuses the content of a dialog instead of a button. Odoo focuses the first button of a dialog in which nothing has the
 * focus, and then pressing the space bar could act on a host. The Tab key continues from the content.
 *
 * @param {{el: HTMLElement}} ref content of the dialog
 */
export function useFocusOffButtons(ref) {
    const env = useEnv();
    onMounted(() => {
        if (env.inDialog && !ref.el.contains(document.activeElement)) {
            ref.el.tabIndex = -1;
            ref.el.focus();
        }
    });
}
