const ELLIPSIS = "…";

let context;

/**
 * @param {string} font as in CSS: "500 14px sans-serif"
 * @returns {(text: string) => number} measures the width of a text in pixels; the same text is measured once
 */
export function textMeasure(font) {
    context ||= document.createElement("canvas").getContext("2d");
    const widths = new Map();
    return (text) => {
        if (!widths.has(text)) {
            context.font = font;
            widths.set(text, context.measureText(text).width);
        }
        return widths.get(text);
    };
}

/** The longest beginning of the text that fits with an ellipsis. */
function cut(text, maxWidth, measure) {
    const characters = [...text];
    while (characters.length && measure(characters.join("") + ELLIPSIS) > maxWidth) {
        characters.pop();
    }
    return characters.join("").trimEnd() + ELLIPSIS;
}

/** A word that is longer than a line, in parts that are not. */
function broken(word, maxWidth, measure) {
    const parts = [""];
    for (const character of word) {
        if (parts.at(-1) && measure(parts.at(-1) + character) > maxWidth) {
            parts.push("");
        }
        parts[parts.length - 1] += character;
    }
    return parts;
}

/**
 * Breaks a text into lines at spaces, and inside words that are longer than a line.
 *
 * @param {string} text
 * @param {number} maxWidth in pixels
 * @param {number} maxLines the last one ends with an ellipsis if there is more
 * @param {(text: string) => number} measure
 * @returns {string[]}
 */
export function wrapText(text, maxWidth, maxLines, measure) {
    // Nobody reads more, and measuring takes time.
    const words = String(text ?? "")
        .slice(0, 500)
        .split(/\s+/)
        .filter(Boolean);
    const lines = [];
    for (const word of words.flatMap((one) =>
        measure(one) > maxWidth ? broken(one, maxWidth, measure) : [one],
    )) {
        const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
        if (lines.length && measure(longer) <= maxWidth) {
            lines[lines.length - 1] = longer;
        } else {
            lines.push(word);
        }
    }
    if (lines.length > maxLines) {
        const rest = lines.slice(maxLines - 1).join(" ");
        return [...lines.slice(0, maxLines - 1), cut(rest, maxWidth, measure)];
    }
    return lines;
}
