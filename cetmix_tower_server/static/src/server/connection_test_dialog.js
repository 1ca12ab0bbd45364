import { Component, onWillStart, onWillUnmount, useRef, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { useFocusOffButtons } from "../base/form/focus_off_buttons";

/** A dialog that tests the connection to a server and shows the result and time of each step. */
export class ConnectionTest extends Component {
    static template = "cetmix_tower_server.ConnectionTest";
    static props = ["*"];

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({ steps: [], running: false, failed: false, error: "", elapsed: 0 });
        useFocusOffButtons(useRef("root"));
        this.serverId = this.props.action.params.server_id;
        onWillStart(() => {
            // Not awaited: the dialog opens at once and shows that the test is running.
            this.test();
        });
        onWillUnmount(() => this.stopClock());
    }

    async test() {
        Object.assign(this.state, { steps: [], running: true, failed: false, error: "", elapsed: 0 });
        this.startClock();
        try {
            const result = await this.orm.silent.call(
                "cx.tower.server",
                "test_ssh_connection",
                [[this.serverId]],
                {
                    raise_on_error: false,
                    return_notification: false,
                },
            );
            this.state.steps = result.steps;
            this.state.failed = result.status !== 0;
        } catch (error) {
            this.state.failed = true;
            this.state.error = error.data?.message || _t("Tower did not answer. Try again.");
        } finally {
            this.state.running = false;
            this.stopClock();
        }
    }

    startClock() {
        this.stopClock();
        const start = Date.now();
        this.clock = browser.setInterval(() => {
            this.state.elapsed = Math.round((Date.now() - start) / 1000);
        }, 1000);
    }

    stopClock() {
        browser.clearInterval(this.clock);
    }

    get isHostKeyProblem() {
        return this.state.steps.some((step) => !step.ok && step.name === "host key");
    }

    seconds(step) {
        return _t("%s s", step.seconds.toFixed(step.seconds < 1 ? 3 : 1));
    }

    async showHostKey() {
        await this.action.doActionButton({
            type: "object",
            resModel: "cx.tower.server",
            resId: this.serverId,
            name: "action_show_host_key",
        });
    }

    async close() {
        await this.action.doAction({ type: "ir.actions.act_window_close" });
    }
}

registry.category("actions").add("cetmix_tower_connection_test", ConnectionTest);
