import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { elapsedText, isActive, RUN_STATES } from "./run_states";

/** The status line of a run: state, time, exit code, who stopped it, and whether the connection is lost. */
export class RunStatus extends Component {
    static template = "cetmix_tower_server.RunStatus";
    static props = {
        name: String, // prefix of the CSS classes
        run: [Object, { value: null }], // null until it has been read
        follower: Object, // see `useRunFollower`
        isStopping: Boolean, // a stop was requested on this screen
        slots: { type: Object, optional: true },
    };

    setup() {
        this.follower = useState(this.props.follower);
    }

    get isActive() {
        return isActive(this.props.run.state);
    }

    get look() {
        return RUN_STATES[this.props.run.state];
    }

    get elapsed() {
        return elapsedText(this.props.run, this.follower);
    }

    get exitText() {
        const { state, exit_code: exitCode } = this.props.run;
        const hasExitCode = exitCode !== undefined && !this.isActive && state !== "skipped";
        return hasExitCode ? _t("Exit code %s", exitCode) : "";
    }

    get stopText() {
        const by = this.props.run.stop_requested_by;
        if (!by) {
            return this.props.isStopping && this.isActive ? _t("Stop requested") : "";
        }
        return this.isActive ? _t("Stop requested by %s", by) : _t("Stopped by %s", by);
    }
}
