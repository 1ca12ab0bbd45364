import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { KanbanController } from "@web/views/kanban/kanban_controller";
import { kanbanView } from "@web/views/kanban/kanban_view";
import { ListController } from "@web/views/list/list_controller";
import { listView } from "@web/views/list/list_view";
import { TowerFormController, towerFormView } from "../base/form/tower_form";
import { isActive } from "../run/run_states";
import { useRefreshAfterRuns, useViewRefresh } from "../run/use_view_refresh";

const BEING_DELETED = ["running", "due"];

/**
 * The form of a server is read again while the flight plan of its template or its delete plan runs. A server with a delete
 * plan stays until that has ended; when the server is gone, the form goes back.
 */
export class ServerFormController extends TowerFormController {
    setup() {
        super.setup();
        this.orm = useService("orm");
        useViewRefresh(() => this.refresh());
    }

    get deleteConfirmationDialogProps() {
        const props = super.deleteConfirmationDialogProps;
        const confirm = async () => {
            const { resId } = this.model.root;
            await props.confirm();
            if (resId && this.model.root.resId === resId) {
                await this.model.root.load();
            }
        };
        const plan = this.model.root.data.plan_delete_id;
        const body = plan
            ? _t(
                  "Its delete plan “%s” runs first. The server is deleted only if that succeeds.",
                  plan.display_name,
              )
            : props.body;
        return { ...props, body, confirm };
    }

    get isChanging() {
        const { data, resId } = this.model.root;
        return resId && (BEING_DELETED.includes(data.deletion_state) || isActive(data.template_plan_state));
    }

    async refresh() {
        if (!this.model.isReady || !this.isChanging || (await this.model.root.isDirty())) {
            return;
        }
        const { resId, resModel } = this.model.root;
        const domain = [["id", "=", resId]];
        const context = { active_test: false };
        const exists = await this.orm.silent.searchCount(resModel, domain, { context });
        if (this.model.root.resId !== resId) {
            return; // another server is shown now
        }
        if (exists) {
            await this.model.root.load();
        } else {
            this.env.config.historyBack();
        }
    }
}

/** The view is read again when the last run of a server has ended, and when a delete plan keeps servers from being gone. */
const withRefresh = (Controller) =>
    class extends Controller {
        setup() {
            super.setup();
            useRefreshAfterRuns({
                records: () =>
                    this.model.isReady
                        ? this.model.root.records.filter((record) => isActive(record.data.last_run_state))
                        : [],
                field: "last_run_state",
                isBusy: () => this.model.root.selection?.length,
                reload: () => this.model.load(),
            });
        }

        get deleteConfirmationDialogProps() {
            const confirm = async () => {
                if (!(await this.model.root.deleteRecords())) {
                    await this.model.load();
                }
            };
            return { ...super.deleteConfirmationDialogProps, confirm };
        }
    };

export const ServerListController = withRefresh(ListController);
export const ServerKanbanController = withRefresh(KanbanController);

const views = registry.category("views");
views.add("tower_server_form", { ...towerFormView, Controller: ServerFormController });
views.add("tower_server_list", { ...listView, Controller: ServerListController });
views.add("tower_server_kanban", { ...kanbanView, Controller: ServerKanbanController });
