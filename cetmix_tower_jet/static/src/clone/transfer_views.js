import { TowerFormController, towerFormView } from "@cetmix_tower_server/base/form/tower_form";
import { LiveListController } from "@cetmix_tower_server/run/live_list";
import { registry } from "@web/core/registry";
import { listView } from "@web/views/list/list_view";
import { useJetNews } from "../jet/jet_news";

const LIVE = ["cloning", "switching", "destroying"];
const isGoingOn = (record) => LIVE.includes(record.data.state);
const jetsOf = ({ data }) => [data.jet_id?.id, data.new_jet_id?.id].filter(Boolean);

/** The form of a transfer, which is opened when it starts. It follows both of its jets. */
export class TransferFormController extends TowerFormController {
    setup() {
        super.setup();
        useJetNews(
            (ids) => this.refresh(ids),
            () => (this.model.isReady && isGoingOn(this.model.root) ? jetsOf(this.model.root) : []),
        );
    }

    async refresh(ids) {
        if (!this.model.isReady || !this.model.root.resId) {
            return;
        }
        const jets = jetsOf(this.model.root);
        if (!ids || ids.some((id) => jets.includes(id))) {
            await this.model.root.load();
        }
    }
}

/** The list of transfers, read again while one of them is going on. */
export class TransferListController extends LiveListController {
    get isLive() {
        const { root } = this.model;
        return !root.isGrouped && !root.selection?.length && root.records.some(isGoingOn);
    }
}

const views = registry.category("views");
views.add("tower_transfer_form", { ...towerFormView, Controller: TransferFormController });
views.add("tower_transfer_list", { ...listView, Controller: TransferListController });
