/* Where the arrow keys lead. */

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const FORWARDS = ["ArrowRight", "ArrowDown"];
const ASIDE = 2.5;

/** The nearest item that lies in a direction. */
function neighbour(item, items, [dx, dy]) {
    let best = null;
    for (const other of items) {
        const along = (other.x - item.x) * dx + (other.y - item.y) * dy;
        const aside = Math.abs((other.x - item.x) * dy) + Math.abs((other.y - item.y) * dx);
        const cost = along + ASIDE * aside;
        if (other.isFocusable && along > 1 && (!best || cost < best.cost)) {
            best = { cost, other };
        }
    }
    return best?.other || null;
}

/** The nodes at the other ends of the edges that leave a node (or arrive at it), from left to right and from top to bottom. */
function alongEdges(item, items, edges, isForwards) {
    const [here, there] = isForwards ? ["fromKey", "toKey"] : ["toKey", "fromKey"];
    const keys = new Set(edges.filter((edge) => edge[here] === item.key).map((edge) => edge[there]));
    return items.filter((other) => keys.has(other.key) && other.isFocusable);
}

/** Follows edges. Reached from the other side over and over again, each edge has its turn. */
export class GraphKeyboard {
    constructor() {
        this.lastTurn = new Map();
    }

    /**
     * @param {KeyboardEvent} ev an arrow goes to the nearest item in its direction; with Shift, along an edge: right and down in
     *     its direction, left and up against it. Home and End go to the first and last item
     * @param {Object} item that has the focus
     * @param {{items: Object[], edges: Object[]}} drawn
     * @returns {Object|null|undefined} item to focus; null: there is none; undefined: the key is none of these
     */
    target(ev, item, { items, edges }) {
        const focusable = items.filter((other) => other.isFocusable);
        if (ev.key in ARROWS && !ev.shiftKey) {
            return neighbour(item, focusable, ARROWS[ev.key]);
        }
        if (ev.key in ARROWS) {
            return this.nextAlong(item, alongEdges(item, items, edges, FORWARDS.includes(ev.key)), ev.key);
        }
        if (["Home", "End"].includes(ev.key) && !ev.shiftKey) {
            return focusable.at(ev.key === "Home" ? 0 : -1) || null;
        }
        return undefined;
    }

    nextAlong(item, others, key) {
        if (!others.length) {
            return null;
        }
        const way = `${FORWARDS.includes(key)} ${item.key}`;
        const turn = ((this.lastTurn.get(way) ?? -1) + 1) % others.length;
        this.lastTurn.set(way, turn);
        return others[turn];
    }
}
