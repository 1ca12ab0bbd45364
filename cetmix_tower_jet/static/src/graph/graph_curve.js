const CORNER_PX = 14;

const sign = (number) => (number < 0 ? -1 : 1);
const round = (number) => Math.round(number * 10) / 10;

/** Points that always advance along the axis, forwards or backwards. */
function isMonotone(points, axis) {
    const steps = points.slice(1).map((point, index) => point[axis] - points[index][axis]);
    return steps.every((step) => step > 0.5) || steps.every((step) => step < -0.5);
}

/** Slope of the curve at each point: none of the pieces overshoots (Steffen's method). */
function slopes(points, axis, other) {
    const widths = points.slice(1).map((point, index) => point[axis] - points[index][axis]);
    const secants = points
        .slice(1)
        .map((point, index) => (point[other] - points[index][other]) / widths[index]);
    const inner = secants.slice(1).map((after, index) => {
        const before = secants[index];
        if (before * after <= 0) {
            return 0;
        }
        const [left, right] = [widths[index], widths[index + 1]];
        const mean = (before * right + after * left) / (left + right);
        return sign(before) * Math.min(Math.abs(before), Math.abs(after), Math.abs(mean) / 2) * 2;
    });
    const ends = secants.length > 1 ? [inner[0], inner.at(-1)] : [secants[0], secants[0]];
    const first = secants.length > 1 ? (3 * secants[0] - ends[0]) / 2 : secants[0];
    const last = secants.length > 1 ? (3 * secants.at(-1) - ends[1]) / 2 : secants[0];
    return [first, ...inner, last];
}

function monotoneCurve(points, axis) {
    const other = axis === "x" ? "y" : "x";
    const at = slopes(points, axis, other);
    const command = (first, second) => (axis === "x" ? `${first},${second}` : `${second},${first}`);
    let path = `M${round(points[0].x)},${round(points[0].y)}`;
    for (let index = 1; index < points.length; index++) {
        const [from, to] = [points[index - 1], points[index]];
        const third = (to[axis] - from[axis]) / 3;
        const controls = [
            command(round(from[axis] + third), round(from[other] + at[index - 1] * third)),
            command(round(to[axis] - third), round(to[other] - at[index] * third)),
        ];
        path += `C${controls.join(" ")} ${round(to.x)},${round(to.y)}`;
    }
    const backwards = sign(points.at(-1)[axis] - points.at(-2)[axis]);
    const [along, across] = [backwards, backwards * at.at(-1)];
    const angle = axis === "x" ? Math.atan2(across, along) : Math.atan2(along, across);
    return { path, angle };
}

/** Straight lines between points, with round corners; see `curve`. */
export function roundedLine(points) {
    let path = `M${round(points[0].x)},${round(points[0].y)}`;
    for (let index = 1; index < points.length - 1; index++) {
        const [before, corner, after] = points.slice(index - 1, index + 2);
        const near = (point) => {
            const length = Math.hypot(point.x - corner.x, point.y - corner.y) || 1;
            const share = Math.min(CORNER_PX, length / 2) / length;
            return `${round(corner.x + (point.x - corner.x) * share)},${round(corner.y + (point.y - corner.y) * share)}`;
        };
        path += `L${near(before)}Q${round(corner.x)},${round(corner.y)} ${near(after)}`;
    }
    const [before, last] = points.slice(-2);
    path += `L${round(last.x)},${round(last.y)}`;
    return { path, angle: Math.atan2(last.y - before.y, last.x - before.x) };
}

/**
 * A smooth line through points.
 *
 * @param {{x: number, y: number}[]} points at least two
 * @param {"x"|"y"} axis along which the graph grows
 * @returns {{path: string, angle: number}} the `d` of an SVG path, and its direction at the end in radians
 */
export function curve(points, axis) {
    return isMonotone(points, axis) ? monotoneCurve(points, axis) : roundedLine(points);
}

/**
 * The point where the line from a rectangle's centre to a point leaves the rectangle.
 *
 * @param {{x: number, y: number, width: number, height: number}} box x and y of the centre
 * @param {{x: number, y: number}} point
 */
export function borderPoint(box, point) {
    const [dx, dy] = [point.x - box.x, point.y - box.y];
    if (!dx && !dy) {
        return { x: box.x, y: box.y };
    }
    const scale = Math.min(
        dx ? box.width / 2 / Math.abs(dx) : Infinity,
        dy ? box.height / 2 / Math.abs(dy) : Infinity,
    );
    return { x: box.x + dx * scale, y: box.y + dy * scale };
}
