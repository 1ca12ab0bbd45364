import { onMounted, useEnv } from "@odoo/owl";

/**
 * A dialog gives the focus to its first button when nothing inside has it, and a press of the space bar would be enough to
 * act on a host. In a dialog, the content itself takes the focus first; the Tab key goes on from there.
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
