import { Component, onWillStart, useState } from "@odoo/owl";
import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

const LIMIT = 20;

/** The shortcuts of a server as entries of its card's menu. They are read when the menu opens. */
export class ShortcutMenu extends Component {
    static template = "cetmix_tower_server.ShortcutMenu";
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        this.dialog = useService("dialog");
        this.state = useState({ shortcuts: [] });
        onWillStart(async () => {
            this.state.shortcuts = await this.orm.silent.searchRead(
                "cx.tower.shortcut",
                [["server_ids", "in", [this.props.record.resId]]],
                ["name", "note"],
                { limit: LIMIT },
            );
        });
    }

    /** Runs a shortcut on the card's server after a confirmation. */
    ask(shortcut) {
        const { resId, data } = this.props.record;
        // When the user confirms, the menu is closed and this component destroyed: its own services would not answer.
        const { orm, action } = this.env.services;
        this.dialog.add(ConfirmationDialog, {
            title: shortcut.name,
            body: _t("Run “%(shortcut)s” on %(server)s now?", {
                shortcut: shortcut.name,
                server: data.name,
            }),
            confirmLabel: _t("Run"),
            confirm: async () => {
                const started = await orm.call("cx.tower.shortcut", "action_run", [[shortcut.id]], {
                    context: { server_id: resId },
                });
                await action.doAction(started);
            },
            cancel: () => {},
        });
    }
}

registry.category("view_widgets").add("tower_shortcut_menu", { component: ShortcutMenu });
