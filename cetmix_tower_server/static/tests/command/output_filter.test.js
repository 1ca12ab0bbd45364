import { OutputPrinter, StreamFilter } from "@cetmix_tower_server/command/output_filter";
import { describe, expect, test } from "@odoo/hoot";

describe.current.tags("headless");

const ERROR = "\x1b[33m";

/** Feeds the text whole and cut at every place: what comes out must be the same. */
function filtered(text) {
    const whole = new StreamFilter().feed(text);
    for (let cut = 1; cut < text.length; cut++) {
        const filter = new StreamFilter();
        expect(filter.feed(text.slice(0, cut)) + filter.feed(text.slice(cut))).toBe(whole);
    }
    return whole;
}

function makePrinter() {
    return new OutputPrinter({ errorStyle: ERROR, gapText: (count) => `[${count} left out]` });
}

test("text and colors pass", () => {
    expect(filtered("plain äöü 漢字 🚀\n")).toBe("plain äöü 漢字 🚀\n");
    expect(filtered("\x1b[1;32mgreen\x1b[0m \x1b[38;5;200mpink\x1b[m")).toBe(
        "\x1b[1;32mgreen\x1b[0m \x1b[38;5;200mpink\x1b[m",
    );
});

test("cursor movements of progress bars pass", () => {
    expect(filtered("10%\r20%\x1b[K\x1b[1A\x1b[3G\b")).toBe("10%\r20%\x1b[K\x1b[1A\x1b[3G\b");
});

test("titles, links, clipboard and other string sequences are dropped", () => {
    expect(filtered("a\x1b]0;a title\x07b")).toBe("ab");
    expect(filtered("a\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\b")).toBe("alinkb");
    expect(filtered("a\x1b]52;c;ZXZpbA==\x07b")).toBe("ab");
    expect(filtered("a\x1bP$q\x1b\\b\x1b_x\x1b\\c\x1b^y\x1b\\d")).toBe("abcd");
});

test("queries, modes, screens and resets are dropped", () => {
    expect(filtered("a\x1b[c\x1b[6n\x1b[>0q\x1b[5nb")).toBe("ab");
    expect(filtered("a\x1b[?1049h\x1b[?25l\x1b[?1000hb")).toBe("ab");
    expect(filtered("a\x1bc\x1b[2J\x1b[3J\x1b[H\x1b(0b")).toBe("ab");
    expect(filtered("a\x9b31mb\x00\x07\x0e\x7f")).toBe("a31mb");
});

test("nothing is concealed", () => {
    expect(filtered("\x1b[8mhidden\x1b[0;8mhidden\x1b[38;5;8mgrey")).toBe("hiddenhidden\x1b[38;5;8mgrey");
});

test("direction overrides are made visible", () => {
    expect(filtered("safe\u202etxt.exe")).toBe("safe\ufffdtxt.exe");
});

test("a string sequence that never ends does not hide what follows", () => {
    const filter = new StreamFilter();
    expect(filter.feed("\x1b]0;never ends\nnext line\n")).toBe("\nnext line\n");
    expect(filter.feed("\x1bP" + "x".repeat(70000))).toBe("");
    expect(filter.feed("visible")).toBe("visible");
});

test("standard error is tinted, and stays so after a reset", () => {
    const printer = makePrinter();
    const segments = [
        ["o", "out "],
        ["e", "err \x1b[31mred\x1b[0m err"],
        ["o", " out"],
    ];
    expect(printer.print([{ offset: 0, end: 20, segments }])).toBe(
        `out \x1b[0m${ERROR}err \x1b[31mred\x1b[0m${ERROR} err\x1b[0m out`,
    );
});

test("a color is restored after text of the other stream", () => {
    const printer = makePrinter();
    const segments = [
        ["o", "\x1b[32mgreen"],
        ["e", "err"],
        ["o", "green"],
    ];
    expect(printer.print([{ offset: 0, end: 20, segments }])).toBe(
        `\x1b[32mgreen\x1b[0m${ERROR}err\x1b[0m\x1b[32mgreen`,
    );
});

test("a gap is shown with its size, and nothing is printed twice", () => {
    const printer = makePrinter();
    const first = { offset: 0, end: 4, segments: [["o", "head"]] };
    const second = { offset: 104, end: 108, segments: [["o", "tail"]] };
    const text = printer.print([first, second]);
    expect(text).toInclude("head");
    expect(text).toInclude("[100 left out]");
    expect(text).toInclude("tail");
    expect(printer.print([first, second])).toBe("");
});
