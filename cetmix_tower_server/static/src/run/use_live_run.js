import { onMounted, onWillUnmount, onWillUpdateProps, useComponent, useExternalListener } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { useService } from "@web/core/utils/hooks";

const TICK_MS = 1000;

/**
 * Lets a component follow one run for as long as it shows it: from when it is mounted until it is removed, and anew when it
 * is given another run. Announcements from the bus are hints, and so is somebody who looks at the page again.
 *
 * @param {Object} options
 * @param {string} options.prop name of the prop with the run's id
 * @param {string} options.busType type of the announcements; `<type>/<id>` is their channel
 * @param {() => number} [options.announcedId] id that stands in the announcements, when it is another one
 * @param {(id: number) => void} options.open begins to follow a run
 * @param {() => void} options.close ends it
 * @param {(payload?: Object) => void} options.onHint there may be something to read
 * @param {() => void} options.onTick a second has passed
 * @returns {{ reopen: () => void }} reopen begins anew with the same run
 */
export function useLiveRun({ prop, busType, announcedId, open, close, onHint, onTick }) {
    const component = useComponent();
    const bus = useService("bus_service");
    let runId = null;
    let ticker = null;

    function onMessage(payload) {
        if (payload.id === (announcedId?.() || runId)) {
            onHint(payload);
        }
    }

    function start(id) {
        runId = id;
        bus.subscribe(busType, onMessage);
        bus.addChannel(`${busType}/${id}`);
        ticker = browser.setInterval(onTick, TICK_MS);
        open(id);
    }

    function end() {
        browser.clearInterval(ticker);
        bus.unsubscribe(busType, onMessage);
        bus.deleteChannel(`${busType}/${runId}`);
        close();
    }

    function restart(id) {
        end();
        start(id);
    }

    onMounted(() => start(component.props[prop]));
    onWillUpdateProps((props) => {
        if (props[prop] !== runId) {
            restart(props[prop]);
        }
    });
    onWillUnmount(() => end());
    useExternalListener(document, "visibilitychange", () => {
        if (!document.hidden) {
            onHint();
        }
    });
    return { reopen: () => restart(runId) };
}
