/**
 * Divides boxes into parts of a limited size, so that few edges lead from one part to another.
 *
 * A part grows from the first box that is left by the box with most edges into it.
 *
 * @param {{id: string}[]} boxes
 * @param {{from: string, to: string}[]} edges between these boxes
 * @param {number} size of a part at most
 * @returns {{id: string}[][]}
 */
export function partsOf(boxes, edges, size) {
    const neighbours = new Map(boxes.map(({ id }) => [id, []]));
    for (const { from, to } of edges) {
        neighbours.get(from).push(to);
        neighbours.get(to).push(from);
    }
    const left = new Map(boxes.map((box) => [box.id, box]));
    const parts = [];
    while (left.size) {
        const part = [];
        const ties = new Map(); // box at the border of the part: number of edges into it
        let next = left.keys().next().value;
        while (next !== undefined && part.length < size) {
            part.push(left.get(next));
            left.delete(next);
            ties.delete(next);
            for (const id of neighbours.get(next)) {
                if (left.has(id)) {
                    ties.set(id, (ties.get(id) || 0) + 1);
                }
            }
            next = strongest(ties);
        }
        parts.push(part);
    }
    return parts;
}

function strongest(ties) {
    let best;
    for (const [id, count] of ties) {
        if (best === undefined || count > ties.get(best)) {
            best = id;
        }
    }
    return best;
}
