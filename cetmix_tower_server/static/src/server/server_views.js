import { onWillUnmount } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { KanbanController } from "@web/views/kanban/kanban_controller";
import { kanbanView } from "@web/views/kanban/kanban_view";
import { ListController } from "@web/views/list/list_controller";
import { listView } from "@web/views/list/list_view";
import { TowerFormController, towerFormView } from "../base/form/tower_form";
import { useRunWatch } from "../run/run_watch";

const REFRESH_MS = 3000;
const BEING_DELETED = ["running", "due"];
const ACTIVE = ["queued", "running", "waiting"];

/**
 * The form of a server reads itself again while the server is being deleted or made ready; it goes back when the server is
 * gone. Deleting a server with a delete plan leaves it there, so the form shows how it stands.
 */
export class ServerFormController extends TowerFormController {
    setup() {
        super.setup();
        this.orm = useService("orm");
        const timer = browser.setInterval(() => this.refresh(), REFRESH_MS);
        onWillUnmount(() => browser.clearInterval(timer));
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
                  "Its delete plan “%s” runs first. If it succeeds, the server is deleted; if not, it stays.",
                  plan.display_name,
              )
            : props.body;
        return { ...props, body, confirm };
    }

    get isChanging() {
        const { data, resId } = this.model.root;
        return (
            resId &&
            (BEING_DELETED.includes(data.deletion_state) || ACTIVE.includes(data.template_plan_state))
        );
    }

    async refresh() {
        if (this.isRefreshing || document.hidden || !this.model.isReady || !this.isChanging) {
            return;
        }
        this.isRefreshing = true;
        try {
            const { resId, resModel } = this.model.root;
            if (await this.model.root.isDirty()) {
                return;
            }
            const domain = [["id", "=", resId]];
            const left = await this.orm.silent.searchCount(resModel, domain, {
                context: { active_test: false },
            });
            if (this.model.root.resId !== resId) {
                return;
            }
            if (left) {
                await this.model.root.load();
            } else {
                this.env.config.historyBack();
            }
        } finally {
            this.isRefreshing = false;
        }
    }
}

/** Servers that stay until their delete plans have ended are shown as they stand then; and so is the last run of each. */
const showsWhatStays = (Controller) =>
    class extends Controller {
        setup() {
            super.setup();
            useRunWatch("last_run_state");
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

export const ServerListController = showsWhatStays(ListController);
export const ServerKanbanController = showsWhatStays(KanbanController);

const views = registry.category("views");
views.add("tower_server_form", { ...towerFormView, Controller: ServerFormController });
views.add("tower_server_list", { ...listView, Controller: ServerListController });
views.add("tower_server_kanban", { ...kanbanView, Controller: ServerKanbanController });
