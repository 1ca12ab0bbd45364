import { registry } from "@web/core/registry";

/** Jets whose waypoints keep something on a host are deleted by a dialog of their own. */
registry.category("tower_deletion_dialogs").add("cx.tower.jet", async (controller, ids) => {
    const action = await controller.model.orm.call("cx.tower.jet", "action_delete", [ids]);
    if (!action) {
        return false;
    }
    await controller.env.services.action.doAction(action, {
        onClose: (infos) => {
            const { root } = controller.model;
            const isGone = infos?.are_gone && root.resId; // the form of a jet that no longer exists
            return isGone ? controller.env.config.historyBack() : root.load();
        },
    });
    return true;
});
