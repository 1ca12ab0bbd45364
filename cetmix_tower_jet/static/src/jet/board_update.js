import { Domain } from "@web/core/domain";
import { getFieldsSpec } from "@web/model/relational_model/utils";
import { orderByToString } from "@web/search/utils/order_by";

const ENTERING = 100; // jets that are not on the screen and are looked at in one read; the counts are always right
const GROUPED_IN_PLACE = ["many2one", "many2many", "selection", "char"];
const DEFAULT_ORDER = ["sequence", "name", "id"].map((name) => ({ name, asc: true }));

/** Whether `updateBoard` can be used for what a board shows; otherwise it is read again as a whole. */
export function canUpdateBoard({ model }) {
    const { root, useSampleModel } = model;
    return !useSampleModel && root.isGrouped && GROUPED_IN_PLACE.includes(root.groupByField.type);
}

/** Values of the field by which a board is grouped, as its groups have them. */
function groupValues(raw, type) {
    if (type === "many2many") {
        return raw.length ? raw.map((one) => one.id ?? one) : [false];
    }
    return [type === "many2one" ? raw && (raw.id ?? raw) : raw || false];
}

/** @returns {number} as for sorting, by the order of the list */
function compare(record, other, orderBy) {
    const key = (one, name) => {
        const value = name === "id" ? one.resId : one.data[name];
        return value?.display_name ?? value ?? "";
    };
    for (const { name, asc } of orderBy.length ? orderBy : DEFAULT_ORDER) {
        const [a, b] = [key(record, name), key(other, name)];
        const result = typeof a === "string" ? a.localeCompare(String(b)) : a - b;
        if (result) {
            return asc ? result : -result;
        }
    }
    return 0;
}

/** Reads the jets that may be on a board, one read for all of them. */
async function readChanged(model, ids) {
    const { root } = model;
    const shown = new Set(root.records.map((record) => record.resId));
    const others = ids.filter((id) => !shown.has(id)).slice(0, ENTERING);
    const wanted = [...ids.filter((id) => shown.has(id)), ...others];
    const { activeFields, fields } = root.config;
    const field = root.groupByField;
    const specification = getFieldsSpec(activeFields, fields, root.context);
    if (!(field.name in specification)) {
        specification[field.name] = field.type === "many2one" ? { fields: { display_name: {} } } : {};
    }
    const { records } = await model.orm.silent.webSearchRead(root.resModel, domainOf(root, wanted), {
        specification,
        limit: wanted.length,
        order: orderByToString(root.orderBy),
        context: { bin_size: true, ...root.context },
    });
    return { wanted, rows: new Map(records.map((row) => [row.id, row])) };
}

function domainOf(root, ids) {
    return Domain.and([root.domain, [["id", "in", ids]]]).toList();
}

/** Removes a card, or returns nothing if the column does not have it. */
function takeOut(group, id) {
    const record = group.list.records.find((one) => one.resId === id);
    if (record) {
        group._removeRecords([record.id]);
    }
    return record;
}

/** Puts a card where it belongs in a column, unless that place is not on the screen yet. */
function putIn(group, record, orderBy) {
    const { records, count, limit } = group.list;
    const index = records.findIndex((other) => compare(record, other, orderBy) < 0);
    // The count may already include jets whose cards come next, so a column that is not full counts as complete, too.
    if (index >= 0 || records.length >= count || records.length < limit) {
        group._addRecord(record, index < 0 ? records.length : index);
    }
}

/** Shows a jet in the columns it belongs to, and only there. Cards that stay in their column stay the same elements. */
function place(board, id, row) {
    const { root } = board.model;
    const { name, type } = root.groupByField;
    const values = row ? groupValues(row[name], type) : [];
    const belongs = (group) => {
        const bar = board.progressBarState?.activeBars[group.serverValue];
        return values.includes(group.value) && (!bar || bar.value === row.movement);
    };
    let spare = null;
    for (const group of root.groups.filter((one) => !belongs(one))) {
        spare = takeOut(group, id) || spare;
    }
    for (const group of root.groups.filter(belongs)) {
        const shown = group.list.records.find((one) => one.resId === id);
        if (shown) {
            shown._setData(onlyActive(row, shown));
        } else if (open(board.model, group)) {
            const record = spare || group.list._createRecordDatapoint(onlyActive(row, group.list));
            spare?._setData(onlyActive(row, spare));
            spare = null;
            putIn(group, record, root.orderBy);
        }
    }
    return values.every((value) => root.groups.some((group) => group.value === value));
}

function onlyActive(row, { activeFields }) {
    return Object.fromEntries(Object.entries(row).filter(([name]) => name === "id" || name in activeFields));
}

/** Columns that were folded because they were empty, and have a number since: it is read later than the cards. */
const foldedWhenEmpty = new WeakSet();

/** Opens a column that is folded because it was empty. Returns whether its cards are shown. */
function open(model, group) {
    if (group.isFolded && (!group.count || foldedWhenEmpty.has(group))) {
        model._updateConfig(group.config, { isFolded: false }, { reload: false });
    }
    return !group.isFolded;
}

/** Takes the number of jets of each column from the counts of the progress bars. */
async function count({ model, progressBarState }) {
    await progressBarState._updateProgressBar();
    for (const group of model.root.groups) {
        const counts = progressBarState._pbCounts[progressBarState._getGroupValue(group)] || {};
        const total = Object.values(counts).reduce((sum, one) => sum + one, 0);
        const bar = progressBarState.activeBars[group.serverValue];
        if (!group.isFolded) {
            foldedWhenEmpty.delete(group);
        } else if (!group.count) {
            foldedWhenEmpty.add(group);
        }
        group.count = total;
        group.list.count = bar ? counts[bar.value] || 0 : total;
    }
}

/** Columns that are open although they are empty. Numbers are read later than cards, so both count. */
function openAndEmpty({ groups }) {
    return groups.filter((group) => !group.isFolded && !group.count && !group.list.records.length);
}

/**
 * Shows changed jets on a board without reading it again: cards change, move to other columns, come and go, and everything
 * else stays where it is.
 *
 * @param {{model: Object, progressBarState: Object}} board controller of the view
 * @param {number[]} ids
 * @returns {Promise<boolean>} false: a column is missing, so the board must be read again
 */
export async function updateBoard(board, ids) {
    const { model } = board;
    const { root } = model;
    const { wanted, rows } = await readChanged(model, ids);
    return model.mutex.exec(async () => {
        if (root !== model.root) {
            return true; // it was read again meanwhile
        }
        const openedByHand = new Set(openAndEmpty(root));
        const complete = wanted.map((id) => place(board, id, rows.get(id)));
        await count(board);
        // Empty columns would push the others off the screen.
        for (const group of openAndEmpty(root).filter((one) => !openedByHand.has(one))) {
            model._updateConfig(group.config, { isFolded: true }, { reload: false });
        }
        return complete.every(Boolean);
    });
}
