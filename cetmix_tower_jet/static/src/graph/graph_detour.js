/* Ways past nodes that lie between a node and the border of its cluster. No DOM, no state. */

const CLEARANCE = 8;

/** Whether the straight line between two points comes close to a box. */
function crosses(from, to, box) {
    let [first, last] = [0, 1];
    for (const [axis, size] of [
        ["x", box.width],
        ["y", box.height],
    ]) {
        const way = to[axis] - from[axis];
        const [near, far] = [-1, 1].map((side) => box[axis] + side * (size / 2 + CLEARANCE / 2) - from[axis]);
        if (!way) {
            if (near > 0 || far < 0) {
                return false;
            }
            continue;
        }
        first = Math.max(first, Math.min(near / way, far / way));
        last = Math.min(last, Math.max(near / way, far / way));
    }
    return first < last;
}

const countCrossed = (line, boxes) =>
    boxes.filter((box) => line.slice(1).some((point, index) => crosses(line[index], point, box))).length;

/** The points of a lane beside boxes, in the order in which the line passes them. */
function laneBeside(boxes, side, from, to, isDown) {
    const [along, across] = isDown ? ["y", "x"] : ["x", "y"];
    const half = (box, axis) => (axis === "x" ? box.width : box.height) / 2;
    const reach = boxes.map((box) => box[across] + side * (half(box, across) + CLEARANCE));
    const lane = side < 0 ? Math.min(...reach) : Math.max(...reach);
    const starts = boxes.map((box) => box[along] - half(box, along) - CLEARANCE);
    const ends = boxes.map((box) => box[along] + half(box, along) + CLEARANCE);
    const isForward = to[along] >= from[along];
    const passed = [Math.min(...starts), Math.max(...ends)];
    return (isForward ? passed : passed.reverse()).map((at) => ({ [along]: at, [across]: lane }));
}

/**
 * Points through which a line from one point to another passes beside the boxes that lie between them.
 *
 * @param {{x: number, y: number}} from
 * @param {{x: number, y: number}} to
 * @param {{x: number, y: number, width: number, height: number}[]} boxes x and y of the centres
 * @param {boolean} isDown whether the graph grows downwards
 * @returns {{x: number, y: number}[]} empty if nothing lies between them, or no way beside it is better
 */
export function detour(from, to, boxes, isDown) {
    const blocking = boxes.filter((box) => crosses(from, to, box));
    if (!blocking.length) {
        return [];
    }
    const across = isDown ? "x" : "y";
    const ways = [-1, 1].map((side) => {
        const points = laneBeside(blocking, side, from, to, isDown);
        const length = Math.abs(points[0][across] - from[across]) + Math.abs(points[1][across] - to[across]);
        return { points, length, crossed: countCrossed([from, ...points, to], boxes) };
    });
    ways.sort((one, other) => one.crossed - other.crossed || one.length - other.length);
    return ways[0].crossed < blocking.length ? ways[0].points : [];
}
