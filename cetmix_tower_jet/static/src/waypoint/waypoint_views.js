import { kanbanView } from "@web/views/kanban/kanban_view";
import { KanbanController } from "@web/views/kanban/kanban_controller";
import { listView } from "@web/views/list/list_view";
import { ListController } from "@web/views/list/list_controller";
import { registry } from "@web/core/registry";
import { towerFormView } from "@cetmix_tower_server/base/form/tower_form";
import { X2ManyField, x2ManyField } from "@web/views/fields/x2many/x2many_field";
import { JetFormController } from "../jet/jet_form";
import { useJetNews } from "../jet/jet_news";
import { JetRun } from "../jet/jet_run";

const ON_THE_WAY = ["preparing", "arriving", "leaving", "deleting"];
const isOnTheWay = (record) => ON_THE_WAY.includes(record.data.state);
const jetOf = (record) => record.data.jet_id?.id;

/** The form of a waypoint: up to date as the form of its jet is. It is left when the waypoint has been deleted. */
export class WaypointFormController extends JetFormController {
    get isMoving() {
        return this.model.isReady && isOnTheWay(this.model.root);
    }

    get movingIds() {
        return [jetOf(this.model.root)];
    }

    isConcerned(ids) {
        return !ids || ids.includes(jetOf(this.model.root));
    }

    onGone() {
        this.env.config.historyBack();
    }
}

registry
    .category("views")
    .add("tower_waypoint_form", { ...towerFormView, Controller: WaypointFormController });

/** Reads a list or cards of waypoints again when the jet of one of them has changed. */
function useWaypointNews(controller) {
    const records = () => (controller.model.isReady ? controller.model.root.records : []);
    useJetNews(
        async (ids) => {
            if (!controller.model.isReady) {
                return;
            }
            const { root } = controller.model;
            const shown = new Set(records().map(jetOf));
            const isConcerned = !ids || ids.some((id) => shown.has(id)) || root.count > records().length;
            if (isConcerned && !root.selection?.length && !root.editedRecord) {
                await root.load();
            }
        },
        () => records().filter(isOnTheWay).map(jetOf),
    );
}

export class WaypointListController extends ListController {
    setup() {
        super.setup();
        useWaypointNews(this);
    }
}

registry.category("views").add("tower_waypoint_list", { ...listView, Controller: WaypointListController });

export class WaypointKanbanController extends KanbanController {
    setup() {
        super.setup();
        useWaypointNews(this);
    }
}

registry
    .category("views")
    .add("tower_waypoint_kanban", { ...kanbanView, Controller: WaypointKanbanController });

/** The waypoints on the form of a jet: a click opens the form of the waypoint, not a dialog without its buttons. */
export class WaypointsField extends X2ManyField {
    openRecord(record) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: record.resModel,
            res_id: record.resId,
            views: [[false, "form"]],
        });
    }
}

registry.category("fields").add("tower_waypoints", { ...x2ManyField, component: WaypointsField });

/** `<widget name="tower_waypoint_run"/>` on the form of a waypoint: the flight plan of its present or last movement. */
export class WaypointRun extends JetRun {
    /** The waypoint moves on with the end of the flight plan. */
    onFinished() {
        const { record } = this.props;
        if (isOnTheWay(record)) {
            this.news.tell([jetOf(record)]);
        }
    }
}

registry.category("view_widgets").add("tower_waypoint_run", {
    component: WaypointRun,
    additionalClasses: ["d-block"],
    fieldDependencies: [
        { name: "live_plan_log_id", type: "many2one", relation: "cx.tower.plan.log" },
        { name: "jet_id", type: "many2one", relation: "cx.tower.jet" },
        { name: "state", type: "selection" },
    ],
});
