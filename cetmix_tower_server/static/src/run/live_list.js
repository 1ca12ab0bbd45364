import { onWillUnmount } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { registry } from "@web/core/registry";
import { ListController } from "@web/views/list/list_controller";
import { listView } from "@web/views/list/list_view";

const REFRESH_MS = 3000;
const ACTIVE = ["queued", "running", "waiting", "stopping"];

/** A list of runs that reads itself again while one of the runs it shows is still going on. */
export class LiveListController extends ListController {
    setup() {
        super.setup();
        const timer = browser.setInterval(() => this.refresh(), REFRESH_MS);
        onWillUnmount(() => browser.clearInterval(timer));
    }

    get isLive() {
        const { root } = this.model;
        const isBusy = document.hidden || root.isGrouped || root.selection?.length || root.editedRecord;
        return !isBusy && root.records.some((record) => ACTIVE.includes(record.data.state));
    }

    async refresh() {
        if (this.isRefreshing || !this.model.isReady || !this.isLive) {
            return;
        }
        this.isRefreshing = true;
        try {
            await this.model.root.load();
        } finally {
            this.isRefreshing = false;
        }
    }
}

registry.category("views").add("tower_live_list", { ...listView, Controller: LiveListController });
