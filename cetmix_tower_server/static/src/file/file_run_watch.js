import { onWillRender, onWillUnmount, useComponent, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { useService } from "@web/core/utils/hooks";

const MODEL = "cx.tower.file";
const BUS_TYPE = "cetmix_tower_log";
const POLL_MS = 1500;

/**
 * While a file is in a run: how far that is, and the form read again when it has ended. What the bus says only makes the
 * next look happen at once; who may not read the run is told nothing by it, and looks now and then.
 *
 * @returns {{progress: Object | null}} `progress` with `done`, `total` and `text` while the run tells
 */
export function useFileRunWatch() {
    const component = useComponent();
    const orm = useService("orm");
    const bus = useService("bus_service");
    const state = useState({ progress: null });
    let timer = null;
    let channel = "";
    let isGone = false;

    const record = () => component.props.record;
    const isBusy = () => Boolean(record().resId && record().data.is_being_processed);

    function onBusMessage(payload) {
        if (`cetmix_tower_log/${payload.id}` !== channel) {
            return;
        }
        if (payload.progress) {
            state.progress = payload.progress;
        }
        if (payload.state !== "running") {
            browser.clearTimeout(timer);
            look();
        }
    }

    function listen(wanted) {
        if (wanted === channel) {
            return;
        }
        if (channel) {
            bus.deleteChannel(channel);
        }
        channel = wanted;
        state.progress = null;
        if (channel) {
            bus.addChannel(channel);
        }
    }

    async function look() {
        timer = null;
        let hasEnded = false;
        try {
            const [row] = await orm.silent.read(MODEL, [record().resId], ["is_being_processed"]);
            hasEnded = !row || !row.is_being_processed;
        } catch {
            // Offline for a moment: asked again.
        }
        if (isGone) {
            return;
        }
        if (hasEnded && !record().dirty) {
            await record().load();
        }
        plan();
    }

    function plan() {
        if (isGone) {
            return;
        }
        const log = record().data.last_log_id;
        listen(isBusy() && log ? `cetmix_tower_log/${log.id}` : "");
        if (timer === null && isBusy()) {
            timer = browser.setTimeout(look, POLL_MS);
        }
    }

    bus.subscribe(BUS_TYPE, onBusMessage);
    onWillRender(plan);
    onWillUnmount(() => {
        isGone = true;
        browser.clearTimeout(timer);
        bus.unsubscribe(BUS_TYPE, onBusMessage);
        listen("");
    });
    return state;
}
