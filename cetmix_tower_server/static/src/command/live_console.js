import { Component, useRef, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { _t } from "@web/core/l10n/translation";
import { ConnectionLostError } from "@web/core/network/rpc";
import { useService } from "@web/core/utils/hooks";
import { DownloadMenu } from "../base/download_menu";
import { LogReader } from "./log_reader";
import { OutputPrinter } from "./output_filter";
import { RunProgress } from "../run/run_progress";
import { errorStyle, OutputTerminal } from "./terminal";
import { useLiveRun } from "../run/use_live_run";

const MODEL = "cx.tower.command.log";
const BUS_TYPE = "cetmix_tower_log";
const ROW_HEIGHT_REM = 1.25;
const MIN_ROWS = 6;
const MAX_ROWS = 28;

export const STATES = {
    queued: { label: _t("Queued"), color: "secondary", icon: "fa-clock-o" },
    running: { label: _t("Running"), color: "info", icon: "fa-circle-o-notch fa-spin" },
    waiting: { label: _t("Waiting"), color: "info", icon: "fa-hourglass-half" },
    done: { label: _t("Done"), color: "success", icon: "fa-check" },
    failed: { label: _t("Failed"), color: "danger", icon: "fa-times" },
    skipped: { label: _t("Skipped"), color: "secondary", icon: "fa-step-forward" },
    stopped: { label: _t("Stopped"), color: "warning", icon: "fa-stop" },
    interrupted: { label: _t("Interrupted"), color: "danger", icon: "fa-chain-broken" },
};
const ACTIVE = ["queued", "running", "waiting"];
// Exit codes of runs that ended before their command could begin: see docs/user/exit_codes.md.
const NEVER_BEGAN = [-201, -202, -204, -205, -207, -210, -212];

/**
 * @param {number} seconds
 * @returns {string} such as "0:07", "12:30" or "1:02:03"
 */
export function formatElapsed(seconds) {
    const whole = Math.max(0, Math.floor(seconds));
    const pad = (number) => String(number).padStart(2, "0");
    const minutes = Math.floor(whole / 60) % 60;
    const hours = Math.floor(whole / 3600);
    return hours ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}

/** Shows the output of one command log while it is written, and afterwards. */
export class LiveConsole extends Component {
    static template = "cetmix_tower_server.LiveConsole";
    static components = { DownloadMenu, RunProgress };
    static props = {
        logId: Number,
        canStop: { type: Boolean, optional: true }, // false where something else offers to stop it
        onFinished: { type: Function, optional: true }, // (state) at each reading that finds the run ended
    };
    static defaultProps = { canStop: true };

    setup() {
        this.orm = useService("orm");
        this.actionService = useService("action");
        this.dialog = useService("dialog");
        this.notification = useService("notification");
        this.screen = useRef("screen");
        this.searchInput = useRef("searchInput");
        this.state = useState(this._initialState());
        this.live = useLiveRun({
            prop: "logId",
            busType: BUS_TYPE,
            open: (logId) => this._open(logId),
            close: () => this._close(),
            onHint: (payload) => {
                this.state.progress = payload?.progress || this.state.progress;
                this.reader?.hint();
            },
            onTick: () => this._tick(),
        });
    }

    _initialState() {
        return {
            status: "", // of the run; unknown until the first read
            exitCode: 0,
            message: "",
            stopRequestedBy: "",
            elapsed: "",
            error: "",
            isOffline: false,
            isReady: false, // the terminal is there: it can be searched, wrapped and copied from
            isEmpty: true,
            isFollowing: true,
            isWrapping: true,
            isLarge: false,
            isSearching: false,
            isStopping: false,
            mayStop: false,
            search: "",
            matches: null,
            progress: null, // how far the run is, while it tells
            rows: MAX_ROWS,
        };
    }

    // What the template shows

    get runState() {
        return STATES[this.state.status] || null;
    }

    get isActive() {
        return ACTIVE.includes(this.state.status);
    }

    get canStop() {
        return this.isActive && this.state.mayStop && !this.state.isStopping && !this.state.stopRequestedBy;
    }

    get stopText() {
        const { stopRequestedBy } = this.state;
        if (!stopRequestedBy) {
            return this.state.isStopping ? _t("Stop requested") : "";
        }
        return this.isActive
            ? _t("Stop requested by %s", stopRequestedBy)
            : _t("Stopped by %s", stopRequestedBy);
    }

    get exitText() {
        const { status, exitCode } = this.state;
        return !status || this.isActive || status === "skipped" ? "" : _t("Exit code %s", exitCode);
    }

    get emptyText() {
        if (!this.state.status) {
            return _t("Loading…");
        }
        return (
            {
                queued: _t("Waiting for a free slot. The output appears here as soon as the command runs."),
                running: _t("Running. Nothing was printed so far."),
                waiting: _t("Waiting for another run to end."),
            }[this.state.status] || this._noOutputText
        );
    }

    get _noOutputText() {
        if (this.state.status === "done" && this.state.message) {
            return ""; // it is told below where the output is
        }
        return NEVER_BEGAN.includes(this.state.exitCode)
            ? _t("The command did not run.") // why, is told below
            : _t("The command printed nothing.");
    }

    get matchText() {
        const { matches, search } = this.state;
        if (!search || !matches) {
            return "";
        }
        if (!matches.resultCount) {
            return _t("No match");
        }
        return matches.resultIndex < 0
            ? _t("More than %s", matches.resultCount)
            : _t("%(index)s of %(count)s", { index: matches.resultIndex + 1, count: matches.resultCount });
    }

    get screenStyle() {
        return this.state.isLarge ? "" : `height: min(${this.state.rows * ROW_HEIGHT_REM + 1}rem, 65vh)`;
    }

    get downloadUrl() {
        return `/cetmix_tower/log/${this.props.logId}/output.txt`;
    }

    // Life of one log

    async _open(logId) {
        this.logId = logId;
        Object.assign(this.state, this._initialState());
        const session = (this.session = {});
        this.duration = 0;
        this.terminal = this._makeTerminal();
        try {
            await this.terminal.open(this.screen.el);
        } catch (error) {
            this.state.error = _t("The terminal could not be loaded: %s", error.message);
            return;
        }
        if (this.session === session) {
            this.state.isReady = true;
            this._startReader();
        }
    }

    _makeTerminal() {
        return new OutputTerminal({
            onScroll: (isAtEnd) => {
                this.state.isFollowing = isAtEnd;
            },
            onSearch: (matches) => {
                this.state.matches = matches;
            },
        });
    }

    _startReader() {
        this.printer = new OutputPrinter({
            errorStyle: errorStyle(),
            gapText: (count) => _t("[... %s characters left out ...]", count.toLocaleString()),
        });
        this.reader = new LogReader({
            read: (offset, limit) =>
                this.orm.silent.call(MODEL, "read_output", [[this.logId], offset, limit]),
            onResult: (result) => this._onResult(result),
            onError: (error) => this._onReadError(error),
        });
        this.reader.start();
    }

    _close() {
        this.session = null;
        this.reader?.stop();
        this.reader = null;
        this.terminal?.dispose();
    }

    async _onResult(result) {
        const { session, reader } = this;
        this._showState(result);
        const text = this.printer.print(result.chunks);
        if (text) {
            this.state.isEmpty = false;
            await this.terminal.write(text);
        }
        if (this.session === session && reader.isFinished) {
            this._onFinished();
        }
    }

    _showState(result) {
        Object.assign(this.state, {
            error: "",
            isOffline: false,
            status: result.state,
            exitCode: result.exit_code,
            message: result.message,
            stopRequestedBy: result.stop_requested_by,
            mayStop: result.can_stop,
        });
        this.duration = result.duration;
        this.durationDate = Date.now();
        this._tick();
    }

    _onFinished() {
        this.state.rows = Math.min(Math.max(this.terminal.lineCount + 1, MIN_ROWS), MAX_ROWS);
        this.props.onFinished?.(this.state.status);
    }

    _onReadError(error) {
        if (error instanceof ConnectionLostError) {
            this.state.isOffline = true;
            return true;
        }
        this.state.error = error.data?.message || error.message || String(error);
        return false;
    }

    _tick() {
        const isCounting = this.isActive && this.state.status !== "queued";
        const since = isCounting ? (Date.now() - this.durationDate) / 1000 : 0;
        this.state.elapsed = isCounting || this.duration ? formatElapsed(this.duration + since) : "";
    }

    // What a person does

    onRetry() {
        this.live.reopen();
    }

    async onStop() {
        const [run] = await this.orm.read(MODEL, [this.logId], ["title", "server_id"]);
        this.dialog.add(ConfirmationDialog, {
            title: _t("Stop the command?"),
            body: _t("“%(run)s” and everything it started on %(server)s will be ended.", {
                run: run.title,
                server: run.server_id[1],
            }),
            confirmLabel: _t("Stop"),
            confirmClass: "btn-danger",
            confirm: () => this._stop(),
            cancelLabel: _t("Keep running"),
            cancel: () => {},
        });
    }

    async _stop() {
        this.state.isStopping = true;
        try {
            const action = await this.orm.call(MODEL, "action_stop", [[this.logId]]);
            if (action && typeof action === "object") {
                await this.actionService.doAction(action);
            }
        } catch (error) {
            this.state.isStopping = false;
            throw error;
        }
        this.reader?.hint();
    }

    onFollow() {
        this.terminal.scrollToEnd();
        this.state.isFollowing = true;
    }

    onToggleWrapping() {
        this.state.isWrapping = !this.state.isWrapping;
        this.terminal.setWrapping(this.state.isWrapping);
    }

    onToggleLarge() {
        this.state.isLarge = !this.state.isLarge;
    }

    async onCopy() {
        try {
            await browser.navigator.clipboard.writeText(this.terminal.getText());
            this.notification.add(_t("Copied to the clipboard."), { type: "success" });
        } catch {
            this.notification.add(_t("The browser does not allow copying here. Use the download."), {
                type: "warning",
            });
        }
    }

    onToggleSearch() {
        this.state.isSearching = !this.state.isSearching;
        if (this.state.isSearching) {
            browser.setTimeout(() => this.searchInput.el?.focus());
        } else {
            this.state.search = "";
            this.terminal.endSearch();
        }
    }

    onSearchInput(ev) {
        this.state.search = ev.target.value;
        this.terminal.find(this.state.search, { incremental: true });
    }

    onSearch(backwards) {
        this.terminal.find(this.state.search, { backwards });
    }

    onSearchKeydown(ev) {
        if (ev.key === "Enter") {
            ev.preventDefault();
            this.onSearch(ev.shiftKey);
        } else if (ev.key === "Escape") {
            ev.stopPropagation();
            this.onToggleSearch();
        }
    }

    onKeydown(ev) {
        if ((ev.ctrlKey || ev.metaKey) && ev.key.toLowerCase() === "f") {
            ev.preventDefault();
            ev.stopPropagation();
            if (this.state.isReady && !this.state.isSearching) {
                this.onToggleSearch();
            }
        } else if (ev.key === "Escape" && this.state.isLarge) {
            ev.stopPropagation();
            this.onToggleLarge();
        }
    }
}
