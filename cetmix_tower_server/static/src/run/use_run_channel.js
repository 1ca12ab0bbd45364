import { onMounted, onWillUnmount } from "@odoo/owl";
import { useService } from "@web/core/utils/hooks";

/**
 * Receives the bus announcements of one run at a time while the component is mounted. A user who may not read the run
 * receives none.
 *
 * @param {string} type of the announcements; `<type>/<id of the run>` is their channel
 * @param {(payload: Object) => void} onAnnouncement
 * @returns {{listen: (runId?: number) => void}} `listen` chooses the run; without an id, none
 */
export function useRunChannel(type, onAnnouncement) {
    const bus = useService("bus_service");
    let channel = "";

    function listen(runId) {
        const wanted = runId ? `${type}/${runId}` : "";
        if (wanted === channel) {
            return;
        }
        if (channel) {
            bus.deleteChannel(channel);
        }
        if (wanted) {
            bus.addChannel(wanted);
        }
        channel = wanted;
    }

    onMounted(() => bus.subscribe(type, onAnnouncement));
    onWillUnmount(() => {
        bus.unsubscribe(type, onAnnouncement);
        listen();
    });
    return { listen };
}
