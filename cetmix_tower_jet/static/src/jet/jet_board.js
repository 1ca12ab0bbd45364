import { registry } from "@web/core/registry";
import { KanbanController } from "@web/views/kanban/kanban_controller";
import { kanbanView } from "@web/views/kanban/kanban_view";
import { ListController } from "@web/views/list/list_controller";
import { listView } from "@web/views/list/list_view";
import { canUpdateBoard, updateBoard } from "./board_update";
import { useJetNews } from "./jet_news";
import { JetSearchPanel } from "./jet_search_panel";

const isBusy = (record) => record.data.movement === "busy";
const busyIds = (model) =>
    model.isReady ? model.root.records.filter(isBusy).map((record) => record.resId) : [];

/**
 * The board of jets. It follows what happens: cards change and move to other columns, while scroll positions, open menus and the focus
 * stay. Empty columns are folded; a column opens when a jet gets there, and folds again when the last one leaves.
 */
export class JetBoardController extends KanbanController {
    setup() {
        super.setup();
        useJetNews(
            (ids) => this.refresh(ids),
            () => busyIds(this.model),
        );
    }

    get modelParams() {
        const params = super.modelParams;
        params.hooks.onWillLoadRoot = () => this.rememberEmptyColumns();
        params.hooks.onRootLoaded = (root) => this.foldEmptyColumns(root);
        return params;
    }

    /** Odoo keeps a column folded when the search changes: one that was only folded because it was empty is to open again. */
    rememberEmptyColumns() {
        const groups = (this.model?.isReady && this.model.root.isGrouped && this.model.root.groups) || [];
        const empty = groups.filter((group) => group.isFolded && !group.count);
        this.emptyValues = new Set(empty.map((group) => group.value));
    }

    /** Folds empty columns, opens those that are no longer empty, and the one of jets without a state, which Odoo folds. */
    foldEmptyColumns(root) {
        if (!root.isGrouped) {
            return;
        }
        const wasShown = new Set(this.model?.isReady ? this.shownValues : []);
        for (const group of root.groups) {
            if (!group.count && !group.isFolded) {
                this.model._updateConfig(group.config, { isFolded: true }, { reload: false });
            } else if (group.count && group.isFolded) {
                const isNew = !group.value && !wasShown.has(group.value);
                if (isNew || this.emptyValues?.has(group.value)) {
                    group.toggle();
                }
            }
        }
        this.shownValues = root.groups.map((group) => group.value);
    }

    async refresh(ids) {
        if (!this.model.isReady) {
            return;
        }
        if (ids && !canUpdateBoard(this)) {
            const shown = new Set(this.model.root.records.map((record) => record.resId));
            if (ids.some((id) => shown.has(id)) || !this.model.root.isGrouped) {
                await this.reload();
            }
        } else if (!ids || !(await this.keepFocus(() => updateBoard(this, ids)))) {
            await this.reload();
        }
    }

    /** Reads the board again, unless records are selected: they would no longer be. */
    async reload() {
        if (!this.model.root.selection?.length) {
            await this.keepFocus(() => this.model.load());
        }
    }

    /** Focuses the same card again if it has moved to another column. */
    async keepFocus(change) {
        const card = document.activeElement?.closest(".o_kanban_record");
        const id = card?.dataset.id;
        const result = await change();
        if (id) {
            await new Promise((resolve) => requestAnimationFrame(resolve));
            const isLost = !card.isConnected && document.activeElement === document.body;
            if (isLost) {
                this.rootRef.el?.querySelector(`.o_kanban_record[data-id="${id}"]`)?.focus();
            }
        }
        return result;
    }
}

/** The list of jets, read again when one of them has changed. */
export class JetListController extends ListController {
    setup() {
        super.setup();
        useJetNews(
            (ids) => this.refresh(ids),
            () => busyIds(this.model),
        );
    }

    async refresh(ids) {
        if (!this.model.isReady) {
            return;
        }
        const { root } = this.model;
        const shown = new Set(root.records.map((record) => record.resId));
        const isConcerned = !ids || ids.some((id) => shown.has(id)) || root.count > root.records.length;
        if (isConcerned && !root.selection?.length && !root.editedRecord) {
            await root.load();
        }
    }
}

registry.category("views").add("tower_jet_board", {
    ...kanbanView,
    Controller: JetBoardController,
    SearchPanel: JetSearchPanel,
});
registry.category("views").add("tower_jet_list", {
    ...listView,
    Controller: JetListController,
    SearchPanel: JetSearchPanel,
});
