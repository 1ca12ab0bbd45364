import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";

/**
 * Splits two versions of a line into what they share at both ends and what differs between.
 *
 * @param {string} left
 * @param {string} right
 * @returns {{left: string[], right: string[]}} three parts each: before, changed, after
 */
export function markChange(left, right) {
    let start = 0;
    const shorter = Math.min(left.length, right.length);
    while (start < shorter && left[start] === right[start]) {
        start++;
    }
    let end = 0;
    while (end < shorter - start && left.at(-1 - end) === right.at(-1 - end)) {
        end++;
    }
    // Never cut between the two halves of a surrogate pair.
    const isHalf = (text, index) => /[\uDC00-\uDFFF]/.test(text[index] || "");
    if (start && (isHalf(left, start) || isHalf(right, start))) {
        start--;
    }
    if (end && (isHalf(left, left.length - end) || isHalf(right, right.length - end))) {
        end--;
    }
    const cut = (text) => [
        text.slice(0, start),
        text.slice(start, text.length - end),
        text.slice(text.length - end),
    ];
    return { left: cut(left), right: cut(right) };
}

/**
 * Prepares a row for `DiffLines`.
 *
 * @param {Array} row as `engine.files.text_diff` makes it
 * @param {number} index
 */
export function makeRow([kind, oldNumber, oldText, newNumber, newText], index) {
    if (kind === "gap") {
        return {
            key: index,
            kind,
            text: oldNumber === 1 ? _t("1 unchanged line") : _t("%s unchanged lines", oldNumber),
        };
    }
    const parts =
        kind === "changed"
            ? markChange(oldText, newText)
            : { left: [oldText, "", ""], right: [newText, "", ""] };
    return {
        key: index,
        kind,
        left: { number: oldNumber || "", parts: parts.left },
        right: { number: newNumber || "", parts: parts.right },
    };
}

/** Lines of two texts side by side; on a phone below each other. They stand in an element of class `o_tower_diff_rows`. */
export class DiffLines extends Component {
    static template = "cetmix_tower_server.DiffLines";
    static props = { rows: Array, withNumbers: { type: Boolean, optional: true } };
    static defaultProps = { withNumbers: true };
}
