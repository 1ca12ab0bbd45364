/* global FitAddon, SearchAddon, Terminal */

import { loadBundle } from "@web/core/assets";
import { browser } from "@web/core/browser/browser";
import { cookie } from "@web/core/browser/cookie";

// Lines after wrapping. Older ones are only in the download.
export const SCROLLBACK_LINES = 400000;
const FONT = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace';
const WRITE_SIZE = 128 * 1024;
const MIN_COLUMNS = 20;
const MAX_UNWRAPPED_COLUMNS = 2000;
const COMPACT_BATCH_LINES = 20000;
const EXPENSIVE_TO_WRAP_LINES = 50000;
const HIGHLIGHTED_MATCHES = 1000;

const DARK = {
    background: "#16181d",
    foreground: "#d8dce3",
    cursor: "#16181d",
    cursorAccent: "#16181d",
    selectionBackground: "#3d5a80",
    black: "#3b4048",
    red: "#f07178",
    green: "#a5d46a",
    yellow: "#f2c063",
    blue: "#6cb6ff",
    magenta: "#d49bf0",
    cyan: "#5fd0c5",
    white: "#d8dce3",
    brightBlack: "#7d8590",
    brightRed: "#ff9492",
    brightGreen: "#c1e88f",
    brightYellow: "#ffd88a",
    brightBlue: "#91cbff",
    brightMagenta: "#e5b8ff",
    brightCyan: "#8ae6dd",
    brightWhite: "#ffffff",
};

const LIGHT = {
    background: "#fafbfc",
    foreground: "#24292f",
    cursor: "#fafbfc",
    cursorAccent: "#fafbfc",
    selectionBackground: "#b6d7ff",
    black: "#24292f",
    red: "#c41f2e",
    green: "#116329",
    yellow: "#7a5200",
    blue: "#0550ae",
    magenta: "#7b3fb5",
    cyan: "#136c78",
    white: "#6e7781",
    brightBlack: "#57606a",
    brightRed: "#a40e26",
    brightGreen: "#1a7f37",
    brightYellow: "#633c01",
    brightBlue: "#0969da",
    brightMagenta: "#8250df",
    brightCyan: "#1b7c83",
    brightWhite: "#8c959f",
};

export function isDark() {
    return cookie.get("color_scheme") === "dark";
}

/** Escape sequence of standard error: tinted, less strongly than red printed by a program. */
export function errorStyle() {
    return isDark() ? "\x1b[38;2;255;176;151m" : "\x1b[38;2;154;62;20m";
}

function searchOptions() {
    return {
        decorations: {
            matchBackground: isDark() ? "#5c4a12" : "#fff1b8",
            matchOverviewRuler: "#d4a72c",
            activeMatchBackground: isDark() ? "#a8570c" : "#ffb85c",
            activeMatchColorOverviewRuler: "#bc4c00",
        },
    };
}

/** A read-only terminal for the output of a log, made for hundreds of thousands of lines. */
export class OutputTerminal {
    /**
     * @param {Object} handlers
     * @param {(isAtEnd: boolean) => void} handlers.onScroll
     * @param {(result: {resultIndex: number, resultCount: number}) => void} handlers.onSearch
     */
    constructor({ onScroll, onSearch }) {
        this.onScroll = onScroll;
        this.onSearch = onSearch;
        this.isDisposed = false;
        this.isWrapping = true;
        this.wasAtEnd = true;
        this.compacted = 0;
        this.longestLine = 0;
    }

    /** Loads xterm.js and shows it in the element. */
    async open(element) {
        await loadBundle("cetmix_tower_server.assets_xterm");
        if (this.isDisposed) {
            return;
        }
        this.element = element;
        const theme = isDark() ? DARK : LIGHT;
        element.closest(".o_tower_console").style.setProperty("--tower-console-background", theme.background);
        this.term = new Terminal({
            allowProposedApi: true, // search results are highlighted with decorations
            convertEol: true,
            cursorInactiveStyle: "none",
            disableStdin: true,
            fontFamily: FONT,
            fontSize: 12.5,
            lineHeight: 1.2,
            linkHandler: { activate() {} }, // a host must not decide what a click opens
            minimumContrastRatio: 4.5,
            scrollback: SCROLLBACK_LINES,
            theme,
        });
        this.fitAddon = new FitAddon.FitAddon();
        this.searchAddon = new SearchAddon.SearchAddon({ highlightLimit: HIGHLIGHTED_MATCHES });
        this.term.loadAddon(this.fitAddon);
        this.term.loadAddon(this.searchAddon);
        this.searchAddon.onDidChangeResults((result) => this.onSearch(result));
        this.term.open(element);
        this.term.attachCustomKeyEventHandler((event) => this._onKey(event));
        this.term.onScroll(() => this._onScroll());
        this.term.onSelectionChange(() => {
            this.isSelectedBySearch = Boolean(this.isSearching);
        });
        this._keepScrollBar();
        this._watchTrimming();
        this._watchSize();
        this.fit();
    }

    dispose() {
        this.isDisposed = true;
        this.resizeObserver?.disconnect();
        browser.clearTimeout(this.resizeTimer);
        this.term?.dispose();
    }

    get lineCount() {
        const buffer = this.term.buffer.active;
        return buffer.baseY + buffer.cursorY + (buffer.cursorX ? 1 : 0);
    }

    get isAtEnd() {
        const buffer = this.term.buffer.active;
        return buffer.viewportY >= buffer.baseY;
    }

    /**
     * Writes text. Resolves when the browser has processed it, so that the caller can wait for that.
     *
     * @param {string} text
     */
    async write(text) {
        for (let start = 0; start < text.length && !this.isDisposed; start += WRITE_SIZE) {
            const part = text.slice(start, start + WRITE_SIZE);
            await new Promise((resolve) => this.term.write(part, resolve));
            this._compact();
        }
    }

    /** Adapts rows and columns to the element. */
    fit() {
        const size = this.isDisposed ? undefined : this.fitAddon.proposeDimensions();
        if (!size || !size.rows || !size.cols) {
            return; // not visible
        }
        const fitting = Math.max(size.cols, MIN_COLUMNS);
        const columns = this._columns(fitting);
        this.element.style.setProperty("--tower-console-overflow", columns > fitting ? "auto" : "hidden");
        if (columns !== this.term.cols || size.rows !== this.term.rows) {
            const wasAtEnd = this.isAtEnd;
            this.term.resize(columns, size.rows);
            this.compacted = 0;
            this._compactLater();
            if (wasAtEnd) {
                this.term.scrollToBottom();
            }
        }
    }

    _columns(fitting) {
        if (!this.isWrapping) {
            return Math.max(fitting, this.longestLine);
        }
        // Wrapping a long text again takes seconds: this happens only when the user asks for it.
        return this.lineCount > EXPENSIVE_TO_WRAP_LINES && !this.mustWrap ? this.term.cols : fitting;
    }

    setWrapping(isWrapping) {
        this.isWrapping = isWrapping;
        this.longestLine = isWrapping ? 0 : this._longestLine();
        this.mustWrap = true;
        this.fit();
        this.mustWrap = false;
    }

    scrollToEnd() {
        this.term.scrollToBottom();
    }

    /** @returns {string} the selected text, or everything; a match of the search is not a selection */
    getText() {
        if (this.term.hasSelection() && !this.isSelectedBySearch) {
            return this.term.getSelection();
        }
        this.term.selectAll();
        const text = this.term.getSelection();
        this.term.clearSelection();
        return text.trimEnd() + "\n";
    }

    find(text, { backwards = false, incremental = false } = {}) {
        if (!text) {
            this.searchAddon.clearDecorations();
            return;
        }
        const options = { ...searchOptions(), incremental };
        this.isSearching = true;
        try {
            return backwards
                ? this.searchAddon.findPrevious(text, options)
                : this.searchAddon.findNext(text, options);
        } finally {
            this.isSearching = false;
        }
    }

    endSearch() {
        this.searchAddon.clearDecorations();
        this.term.clearSelection();
    }

    _longestLine() {
        const buffer = this.term.buffer.active;
        let longest = 0;
        let current = 0;
        for (let index = 0; index < buffer.length; index++) {
            const line = buffer.getLine(index);
            current = (line.isWrapped ? current : 0) + line.translateToString(true).length;
            longest = Math.max(longest, current);
        }
        return Math.min(longest + 1, MAX_UNWRAPPED_COLUMNS);
    }

    /** The terminal takes no input: keys scroll it, copy from it, or belong to the page. */
    _onKey(event) {
        if (event.type !== "keydown") {
            return false;
        }
        if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "c" && this.term.hasSelection()) {
            browser.navigator.clipboard?.writeText(this.term.getSelection());
            event.preventDefault();
            return false;
        }
        const scroll = {
            ArrowUp: () => this.term.scrollLines(-1),
            ArrowDown: () => this.term.scrollLines(1),
            PageUp: () => this.term.scrollPages(-1),
            PageDown: () => this.term.scrollPages(1),
            Home: () => this.term.scrollToTop(),
            End: () => this.term.scrollToBottom(),
        }[event.key];
        if (scroll && !event.ctrlKey && !event.metaKey && !event.altKey) {
            scroll();
            event.preventDefault();
        }
        return false;
    }

    _onScroll() {
        const { isAtEnd } = this;
        if (isAtEnd !== this.wasAtEnd) {
            this.wasAtEnd = isAtEnd;
            this.onScroll(isAtEnd);
        }
    }

    /**
     * xterm.js starts a timer for every printed line to hide its scroll bar, which takes a fifth of the time of a long log.
     * While the mouse is over it, the bar stays.
     */
    _keepScrollBar() {
        this.element.querySelector(".xterm-scrollable-element")?.dispatchEvent(new MouseEvent("mouseover"));
    }

    _watchSize() {
        this.resizeObserver = new ResizeObserver(() => {
            browser.clearTimeout(this.resizeTimer);
            this.resizeTimer = browser.setTimeout(() => this.fit(), 100);
        });
        this.resizeObserver.observe(this.element);
    }

    // xterm.js 6 gives every line of the scrollback memory for the full width, 12 bytes a column: 600 MB for 300,000
    // lines on a wide screen. Lines that scrolled out are shortened to their text. This uses private members of
    // xterm.js; without them everything works, but takes more memory. Check it when updating xterm.js.

    get _buffer() {
        const buffer = this.term._core?.buffer;
        return buffer?.lines && buffer.getNullCell ? buffer : null;
    }

    _watchTrimming() {
        this._buffer?.lines.onTrim?.((count) => {
            this.compacted = Math.max(0, this.compacted - count);
        });
    }

    _compact(limit = Infinity) {
        const buffer = this.isDisposed ? null : this._buffer;
        if (!buffer) {
            return false;
        }
        const empty = buffer.getNullCell();
        const end = Math.min(buffer.ybase, this.compacted + limit);
        for (; this.compacted < end; this.compacted++) {
            const line = buffer.lines.get(this.compacted);
            const length = Math.max(1, line.getTrimmedLength());
            if (length < line.length) {
                line.resize(length, empty);
                line.cleanupMemory();
            }
        }
        return this.compacted < buffer.ybase;
    }

    _compactLater() {
        browser.setTimeout(() => {
            if (this._compact(COMPACT_BATCH_LINES)) {
                this._compactLater();
            }
        });
    }
}
