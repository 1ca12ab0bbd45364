import { DiffLines, makeRow } from "@cetmix_tower_server/file/diff_lines";
import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";

const KINDS = {
    changed: { label: _t("Changed"), count: (count) => _t("%s changed", count), color: "warning" },
    added: { label: _t("Added"), count: (count) => _t("%s added", count), color: "success" },
    removed: { label: _t("Removed"), count: (count) => _t("%s removed", count), color: "danger" },
};

/** Whether the texts of an entry are short enough to be shown without numbers of lines. */
function isOneLine({ rows }) {
    return rows.length === 1 && rows[0][0] !== "gap";
}

/**
 * @param {string} key of the part: variables or metadata
 * @param {string} title
 * @param {Object[]} entries as `read_comparison` returns them
 */
function makePart(key, title, entries) {
    const differences = entries
        .filter(({ kind }) => kind !== "same")
        .map((entry) => ({
            ...entry,
            ...KINDS[entry.kind],
            isOneLine: isOneLine(entry),
            rows: entry.rows.map(makeRow),
        }));
    const counts = Object.entries(KINDS)
        .map(([kind, { count }]) => [count, differences.filter((entry) => entry.kind === kind).length])
        .filter(([, number]) => number)
        .map(([count, number]) => count(number));
    const same = entries
        .filter(({ kind }) => kind === "same")
        .map(({ rows, ...entry }) => ({ ...entry, text: rows[0][4] }));
    return { key, title, differences, same, counts: counts.join(", ") };
}

/** What `read_comparison` of a waypoint returns, side by side: values, then metadata. What is equal is folded. */
export class WaypointComparison extends Component {
    static template = "cetmix_tower_jet.WaypointComparison";
    static components = { DiffLines };
    static props = { comparison: Object };

    setup() {
        const { variables, metadata } = this.props.comparison;
        this.parts = [
            makePart("variables", _t("Values"), variables),
            makePart("metadata", _t("Metadata"), metadata),
        ].filter(({ differences, same }) => differences.length || same.length);
    }

    get hasDifferences() {
        return this.parts.some(({ differences }) => differences.length);
    }

    sameLabel({ same }) {
        return same.length === 1 ? _t("1 unchanged") : _t("%s unchanged", same.length);
    }
}
