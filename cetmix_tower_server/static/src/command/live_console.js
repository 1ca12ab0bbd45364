import { Component, useRef, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { DownloadMenu } from "../base/download_menu";
import { RunProgress } from "../run/run_progress";
import { isActive } from "../run/run_states";
import { RunStatus } from "../run/run_status";
import { useRunActions } from "../run/use_run_actions";
import { useRunFollower } from "../run/use_run_follower";
import { OutputPrinter } from "./output_filter";
import { OutputReader } from "./output_reader";
import { errorStyle, OutputTerminal } from "./terminal";

const MODEL = "cx.tower.command.log";
const ROW_HEIGHT_REM = 1.25;
const MIN_ROWS = 6;
const MAX_ROWS = 28;
// Exit codes of runs whose command was never started: see docs/user/exit_codes.md.
const NEVER_STARTED = [-201, -202, -204, -205, -207, -210, -212];

/** The output of one command log, while it is written and afterwards. */
export class LiveConsole extends Component {
    static template = "cetmix_tower_server.LiveConsole";
    static components = { DownloadMenu, RunProgress, RunStatus };
    static props = {
        logId: Number,
        canStop: { type: Boolean, optional: true }, // false where the screen around it offers to stop the run
        onFinished: { type: Function, optional: true }, // (state) at each read that finds the run ended
    };
    static defaultProps = { canStop: true };

    setup() {
        this.orm = useService("orm");
        this.notification = useService("notification");
        this.screen = useRef("screen");
        this.searchInput = useRef("searchInput");
        this.state = useState(this._initialState());
        this.follower = useRunFollower({
            prop: "logId",
            busType: "cetmix_tower_log",
            onOpen: (logId) => this._open(logId),
            onClose: () => this.terminal?.dispose(),
            onAnnouncement: ({ progress }) => {
                this.state.progress = progress || this.state.progress;
            },
            read: () => this.reader.read(),
            onResult: (result) => this._onResult(result),
        });
        this.actions = useRunActions(MODEL, "logId", this.follower);
    }

    _initialState() {
        return {
            run: null, // the last result of `read_output`
            isReady: false, // the terminal is there: it can be searched, wrapped and copied from
            isEmpty: true,
            isFollowing: true, // new output scrolls into view
            isWrapping: true,
            isLarge: false,
            isSearching: false,
            search: "",
            matches: null,
            progress: null, // how far the run is, if it reports that
            rows: MAX_ROWS,
        };
    }

    // What the template shows

    get isActive() {
        return isActive(this.state.run?.state);
    }

    get showsStop() {
        return this.isActive && this.props.canStop && this.state.run.can_stop;
    }

    get emptyText() {
        if (!this.state.run) {
            return _t("Loading…");
        }
        return (
            {
                queued: _t("Waiting for a free slot. The output appears here as soon as the command runs."),
                running: _t("The command is running. It has printed nothing so far."),
                waiting: this.state.run.waits_for || _t("Waiting for another run to end."),
            }[this.state.run.state] || this._noOutputText
        );
    }

    get _noOutputText() {
        const { state, message, exit_code: exitCode } = this.state.run;
        if (state === "done" && message) {
            return ""; // the message is shown below
        }
        return NEVER_STARTED.includes(exitCode)
            ? _t("The command did not run.") // the message says why
            : _t("The command printed nothing.");
    }

    get matchText() {
        const { matches, search } = this.state;
        if (!search || !matches) {
            return "";
        }
        if (!matches.resultCount) {
            return _t("No matches");
        }
        return matches.resultIndex < 0
            ? _t("More than %s matches", matches.resultCount)
            : _t("%(index)s of %(count)s", { index: matches.resultIndex + 1, count: matches.resultCount });
    }

    get screenStyle() {
        return this.state.isLarge ? "" : `height: min(${this.state.rows * ROW_HEIGHT_REM + 1}rem, 65vh)`;
    }

    get downloadUrl() {
        return `/cetmix_tower/log/${this.props.logId}/output.txt`;
    }

    // Reading

    async _open(logId) {
        Object.assign(this.state, this._initialState());
        this.printer = new OutputPrinter({
            errorStyle: errorStyle(),
            gapText: (count) => _t("[... %s characters omitted ...]", count.toLocaleString()),
        });
        this.reader = new OutputReader((offset, limit) =>
            this.orm.silent.call(MODEL, "read_output", [[logId], offset, limit]),
        );
        const terminal = this._makeTerminal();
        this.terminal = terminal;
        try {
            await terminal.open(this.screen.el);
        } catch (error) {
            throw new Error(_t("The terminal could not be loaded: %s", error.message));
        }
        this.state.isReady = this.terminal === terminal;
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

    async _onResult({ chunks, ...run }) {
        const { terminal } = this;
        this.state.run = run;
        const text = this.printer.print(chunks);
        if (text) {
            this.state.isEmpty = false;
            await terminal.write(text);
        }
        if (run.finished && this.terminal === terminal && !terminal.isDisposed) {
            this.state.rows = Math.min(Math.max(terminal.lineCount + 1, MIN_ROWS), MAX_ROWS);
            this.props.onFinished?.(run.state);
        }
    }

    // What the user does

    async onStop() {
        const [run] = await this.orm.read(MODEL, [this.props.logId], ["title", "server_id"]);
        this.actions.askToStop({
            title: _t("Stop the command?"),
            body: _t("“%(run)s” and all processes it started on %(server)s will be stopped.", {
                run: run.title,
                server: run.server_id[1],
            }),
        });
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
            this.notification.add(
                _t("The browser does not allow this page to copy. Use the download instead."),
                {
                    type: "warning",
                },
            );
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
