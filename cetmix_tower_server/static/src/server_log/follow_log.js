import { Component, onWillUnmount, useExternalListener, useRef } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { useFocusOffButtons } from "../base/form/focus_off_buttons";
import { LiveConsole } from "../command/live_console";

const MODEL = "cx.tower.command.log";

/** A dialog with the live console of a followed server log. Closing it stops the run on the host. */
export class FollowLog extends Component {
    static template = "cetmix_tower_server.FollowLog";
    static components = { LiveConsole };
    static props = ["*"];

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.isFinished = false;
        useFocusOffButtons(useRef("root"));
        onWillUnmount(() => this.stop());
        // Closing the browser tab unmounts nothing.
        useExternalListener(browser, "pagehide", () => this.stopByBeacon());
    }

    get runId() {
        return this.props.action.params.run_id;
    }

    get minutes() {
        return this.props.action.params.minutes;
    }

    onFinished() {
        this.isFinished = true;
    }

    stop() {
        if (!this.isFinished) {
            this.isFinished = true;
            // Not awaited: the dialog closes at once. If the run has ended meanwhile, nothing happens.
            this.orm.silent.call(MODEL, "stop", [[this.runId]]).catch(() => {});
        }
    }

    stopByBeacon() {
        if (!this.isFinished) {
            const params = { model: MODEL, method: "stop", args: [[this.runId]], kwargs: {} };
            const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "call", params });
            browser.navigator.sendBeacon(
                `/web/dataset/call_kw/${MODEL}/stop`,
                new Blob([body], { type: "application/json" }),
            );
        }
    }

    close() {
        return this.action.doAction({ type: "ir.actions.act_window_close" });
    }
}

registry.category("actions").add("cetmix_tower_follow_log", FollowLog);
