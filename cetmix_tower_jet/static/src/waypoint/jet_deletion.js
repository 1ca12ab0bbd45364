import { registry } from "@web/core/registry";

/** Jets whose waypoints keep something on a host are deleted by a dialog of their own. */
registry.category("tower_deletion_dialogs").add("cx.tower.jet", async (controller, ids) => {
    const action = await controller.model.orm.call("cx.tower.jet", "action_delete", [ids]);
    if (!action) {
        return false;
    }
    await controller.env.services.action.doAction(action, {
        onClose: () => controller.model.root.load(),
    });
    return true;
});
