import { TowerFormController, towerFormView } from "@cetmix_tower_server/base/form/tower_form";
import { LiveListController } from "@cetmix_tower_server/run/live_list";
import { useViewRefresh } from "@cetmix_tower_server/run/use_view_refresh";
import { registry } from "@web/core/registry";
import { listView } from "@web/views/list/list_view";

const isGoingOn = (record) => record.data.state === "processing";

/** The form of an installation, which is opened when it starts and follows it to its end. */
export class InstallationFormController extends TowerFormController {
    setup() {
        super.setup();
        useViewRefresh(() => this.refresh());
    }

    async refresh() {
        if (this.model.isReady && isGoingOn(this.model.root)) {
            await this.model.root.load();
        }
    }
}

/** The list of installations, read again while one of them is going on. */
export class InstallationListController extends LiveListController {
    get isLive() {
        const { root } = this.model;
        return !root.isGrouped && !root.selection?.length && root.records.some(isGoingOn);
    }
}

const views = registry.category("views");
views.add("tower_installation_form", { ...towerFormView, Controller: InstallationFormController });
views.add("tower_installation_list", { ...listView, Controller: InstallationListController });
