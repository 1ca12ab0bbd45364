import { onWillRender, onWillUnmount, useComponent } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { useService } from "@web/core/utils/hooks";

const MODEL = "cx.tower.server.log";
const POLL_MS = 1500;

/**
 * While logs are being fetched, ask now and then whether they still are, and read the form again when one has ended.
 * Who may read a log may not read the run that fetches it, so there is nothing to listen to.
 *
 * @param {() => number[]} fetching ids of the logs that were being fetched when the form was read
 * @param {() => Promise<unknown>} reload reads the form again
 */
export function useRefreshWatch(fetching, reload) {
    const component = useComponent();
    const orm = useService("orm");
    let timer = null;

    async function look() {
        timer = null;
        const ids = fetching();
        const isBusy = document.hidden || component.props.record.dirty;
        let hasEnded = false;
        if (ids.length && !isBusy) {
            try {
                const rows = await orm.silent.read(MODEL, ids, ["is_refreshing"]);
                hasEnded = rows.some((row) => !row.is_refreshing);
            } catch {
                // Offline for a moment, or deleted by somebody: asked again, or gone with the next reading.
            }
        }
        if (hasEnded && !component.props.record.dirty) {
            await reload();
        }
        plan();
    }

    function plan() {
        if (timer === null && fetching().length) {
            timer = browser.setTimeout(look, POLL_MS);
        }
    }

    onWillRender(plan);
    onWillUnmount(() => {
        browser.clearTimeout(timer);
        timer = -1;
    });
}
