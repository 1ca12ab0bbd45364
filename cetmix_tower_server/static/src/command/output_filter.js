/**
 * The output of a host is not trusted. Only text, colors and the few cursor movements that progress bars need reach the
 * terminal; titles, links, clipboard access, alternate screens, device queries and erasing of the scrollback do not.
 */

const ESC = "\x1b";
const MAX_CSI_LENGTH = 128;
// A string sequence (OSC, DCS, ...) that never ends must not hide the output after it.
const MAX_STRING_LENGTH = 65536;
const MAX_REMEMBERED_STYLES = 16;

/* eslint-disable no-control-regex -- this file is about control characters */
const CSI = /\x1b\[([0-?]*)([ -/]*)([@-~])/y;
const CSI_SO_FAR = /\x1b\[[0-?]*[ -/]*$/y;
const SHORT_ESCAPE = /\x1b[ -/]*[0-~]/y;
const SHORT_ESCAPE_SO_FAR = /\x1b[ -/]*$/y;
const STRING_INTRODUCERS = "]PX^_";
const STRING_END = /\x07|\x1b\\?|\x9c|\n/g;
const ALLOWED_MOVES = "KGABCDEFPX";
// All control characters but backspace, tab, newline and carriage return.
const CONTROLS = /[\x00-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]/g;
// Direction overrides can make a line look like different text.
const DIRECTION_OVERRIDES = /[\u202a-\u202e\u2066-\u2069]/g;
const HARMLESS = /^[\x08\t\n\r\x20-\x7e\xa0-\u2029\u202f-\u2065\u206a-\uffff]*$/;

function clean(text) {
    return text.replace(CONTROLS, "").replace(DIRECTION_OVERRIDES, "\ufffd");
}

function matchAt(regex, text, index) {
    regex.lastIndex = index;
    return regex.exec(text);
}

/** Filters one stream. Its escape sequences may be split anywhere between two pieces. */
export class StreamFilter {
    /** @param {string} [baseStyle] escape sequence of the stream's default style */
    constructor(baseStyle = "") {
        this.baseStyle = baseStyle;
        this.reset();
    }

    reset() {
        this.pending = "";
        this.swallowed = -1;
        this.styles = [];
    }

    /** Escape sequences that restore the style of this stream after text of the other one. */
    get style() {
        return this.baseStyle + this.styles.join("");
    }

    /**
     * @param {string} text next piece of the stream
     * @returns {string} text that is safe for a terminal
     */
    feed(text) {
        if (!this.pending && this.swallowed < 0 && HARMLESS.test(text)) {
            return text;
        }
        let rest = this.pending + text;
        this.pending = "";
        const out = [];
        while (rest) {
            rest = this.swallowed < 0 ? this._feedText(rest, out) : this._swallow(rest);
        }
        return out.join("");
    }

    /** Handles text until a string sequence starts; returns what is left. */
    _feedText(text, out) {
        let index = 0;
        while (index < text.length) {
            const escape = text.indexOf(ESC, index);
            if (escape < 0) {
                out.push(clean(text.slice(index)));
                return "";
            }
            out.push(clean(text.slice(index, escape)));
            const next = text[escape + 1];
            if (next && STRING_INTRODUCERS.includes(next)) {
                this.swallowed = 0;
                return text.slice(escape + 2);
            }
            index = this._feedEscape(text, escape, out);
        }
        return "";
    }

    /** Handles one escape sequence; returns the index after it. */
    _feedEscape(text, escape, out) {
        const isCsi = text[escape + 1] === "[";
        const found = matchAt(isCsi ? CSI : SHORT_ESCAPE, text, escape);
        if (found) {
            if (isCsi) {
                out.push(this._allowedCsi(found));
            }
            return escape + found[0].length;
        }
        const incomplete = matchAt(isCsi ? CSI_SO_FAR : SHORT_ESCAPE_SO_FAR, text, escape);
        if (incomplete && incomplete[0].length < MAX_CSI_LENGTH) {
            this.pending = incomplete[0];
            return text.length;
        }
        return escape + 1;
    }

    _allowedCsi([sequence, parameters, intermediates, final]) {
        if (intermediates || !/^[\d;:]*$/.test(parameters) || sequence.length > MAX_CSI_LENGTH) {
            return "";
        }
        if (final === "m") {
            return this._style(sequence, parameters);
        }
        return ALLOWED_MOVES.includes(final) ? sequence : "";
    }

    _style(sequence, parameters) {
        const codes = parameters.split(";");
        if (codes.at(-1) === "8" && codes.length <= 2) {
            return ""; // concealed text
        }
        if (codes.includes("") || codes[0] === "0") {
            this.styles = codes.length > 1 ? [sequence] : [];
            return codes.length > 1 ? sequence : sequence + this.baseStyle;
        }
        const back = codes.at(-1) === "39" ? this.baseStyle : "";
        this.styles.push(sequence + back);
        this.styles.splice(0, this.styles.length - MAX_REMEMBERED_STYLES);
        return sequence + back;
    }

    /** Drops a string sequence; returns what comes after it. */
    _swallow(text) {
        const found = matchAt(STRING_END, text, 0);
        const end = found ? found.index : text.length;
        this.swallowed += end;
        if (found) {
            this.swallowed = -1;
            // A newline is not part of the sequence, and an escape may start the next one.
            const isPartOfSequence = found[0] !== "\n" && found[0] !== ESC;
            return text.slice(isPartOfSequence ? end + found[0].length : end);
        }
        if (this.swallowed > MAX_STRING_LENGTH) {
            this.swallowed = -1;
        }
        return "";
    }
}

/** Merges both streams of a log into text for a terminal. */
export class OutputPrinter {
    /**
     * @param {Object} options
     * @param {string} options.errorStyle escape sequence for standard error
     * @param {(characters: number) => string} options.gapText text that stands for omitted output
     */
    constructor({ errorStyle, gapText }) {
        this.gapText = gapText;
        this.filters = { o: new StreamFilter(), e: new StreamFilter(errorStyle) };
        this.offset = 0;
        this.last = "o"; // stream of the last segment
    }

    /**
     * @param {{offset: number, end: number, segments: [string, string][]}[]} chunks of `read_output`
     * @returns {string} text for the terminal
     */
    print(chunks) {
        const out = [];
        for (const { offset, end, segments } of chunks) {
            if (end <= this.offset) {
                continue; // already printed
            }
            if (offset > this.offset) {
                out.push(this._printGap(offset - this.offset));
            }
            for (const [stream, text] of segments) {
                out.push(this._printSegment(stream, text));
            }
            this.offset = end;
        }
        return out.join("");
    }

    _printSegment(stream, text) {
        const filter = this.filters[stream] || this.filters.o;
        const change = stream === this.last ? "" : `${ESC}[0m${filter.style}`;
        this.last = stream;
        return change + filter.feed(text);
    }

    _printGap(characters) {
        this.filters.o.reset();
        this.filters.e.reset();
        this.last = "";
        return `${ESC}[0m\r\n${ESC}[7m${this.gapText(characters)}${ESC}[0m\r\n`;
    }
}
