import { registry } from "@web/core/registry";
import { ListController } from "@web/views/list/list_controller";
import { listView } from "@web/views/list/list_view";
import { isActive } from "./run_states";
import { useViewRefresh } from "./use_view_refresh";

/** A list of runs that is read again while one of the runs on the page has not ended. */
export class LiveListController extends ListController {
    setup() {
        super.setup();
        useViewRefresh(() => this.refresh());
    }

    get isLive() {
        const { root } = this.model;
        const isBusy = root.isGrouped || root.selection?.length || root.editedRecord;
        return !isBusy && root.records.some((record) => isActive(record.data.state));
    }

    async refresh() {
        if (this.model.isReady && this.isLive) {
            await this.model.root.load();
        }
    }
}

registry.category("views").add("tower_live_list", { ...listView, Controller: LiveListController });
