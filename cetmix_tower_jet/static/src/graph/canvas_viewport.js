const MIN_SCALE = 0.1;
const MAX_SCALE = 3;
const STEP = 1.25;
// What a graph is shown at that is too large to be readable as a whole.
const READABLE_SCALE = 0.85;
const DRAG_PX = 4;
const MARGIN_PX = 24;
const SETTLE_MS = 150;

const distance = ([one, other]) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
const middle = ([one, other]) => ({
    clientX: (one.clientX + other.clientX) / 2,
    clientY: (one.clientY + other.clientY) / 2,
});

const animations = new WeakMap();

/**
 * Transforms an element. Not by its style: style sheets of Odoo have selectors on that attribute, so with each change of it the browser
 * matches everything inside of the element again, which takes most of a frame with 200 nodes. An animation that has ended is no
 * attribute.
 */
function transform(element, value) {
    const known = animations.get(element);
    if (known?.value === value) {
        return;
    }
    const frames = [{ transform: value }, { transform: value }];
    if (known) {
        known.animation.effect.setKeyframes(frames);
    }
    const animation = known?.animation || element.animate(frames, { duration: 1, fill: "both" });
    animations.set(element, { animation, value });
}

/**
 * Zoom and position of a drawing that fills a box of its own: moved with one finger or the mouse, zoomed with two fingers or Ctrl and
 * the wheel. Both are one CSS transform of a picture that stays as it is. Some time after the last step of zooming it is drawn again
 * at its new size, so that texts are sharp.
 */
export class CanvasViewport {
    constructor(boxRef, { getSize, getFocusPoint, firstView }) {
        Object.assign(this, { boxRef, getSize, getFocusPoint, firstView });
        this.scale = 1;
        this.drawnScale = 1; // at which the picture was drawn last
        this.x = 0; // where the drawing's upper left corner is in the box
        this.y = 0;
        this.pointers = new Map();
        this.hasDragged = false;
    }

    get box() {
        return this.boxRef.el;
    }

    get svg() {
        return this.box?.querySelector("svg");
    }

    get view() {
        return { scale: this.scale, x: this.x, y: this.y };
    }

    apply() {
        const { svg } = this;
        if (!svg) {
            return;
        }
        const scale = this.scale / this.drawnScale;
        transform(svg.parentElement, `translate(${this.x}px, ${this.y}px) scale(${scale})`);
    }

    /** Draws the picture at its present scale. */
    settle() {
        clearTimeout(this.timer);
        this.drawnScale = this.scale;
        const { width, height } = this.getSize();
        this.svg?.setAttribute("width", Math.round(width * this.scale));
        this.svg?.setAttribute("height", Math.round(height * this.scale));
        this.apply();
    }

    move(change) {
        Object.assign(this, change);
        this.keepInSight();
        this.apply();
        if (this.scale !== this.drawnScale) {
            clearTimeout(this.timer);
            this.timer = setTimeout(() => this.settle(), SETTLE_MS);
        }
    }

    /** Nobody loses the drawing: a part of it always stays in the box. */
    keepInSight() {
        const { width, height } = this.getSize();
        const limited = (value, size, room) =>
            Math.min(room - Math.min(room, size) / 4, Math.max(value, Math.min(room, size) / 4 - size));
        this.x = limited(this.x, width * this.scale, this.box.clientWidth);
        this.y = limited(this.y, height * this.scale, this.box.clientHeight);
    }

    fittingScale() {
        const { width, height } = this.getSize();
        const { clientWidth, clientHeight } = this.box;
        return Math.min(1, clientWidth / width, clientHeight / height);
    }

    /** What was shown before; else the whole graph if its text can be read then, otherwise the part where it begins. */
    start() {
        const view = this.firstView;
        this.firstView = null;
        if (view && [view.scale, view.x, view.y].every(Number.isFinite)) {
            this.move({ ...view, scale: Math.min(MAX_SCALE, Math.max(MIN_SCALE, view.scale)) });
            this.settle();
            return;
        }
        const scale = Math.max(this.fittingScale(), READABLE_SCALE);
        const { width, height } = this.getSize();
        const placed = (size, room) => Math.max(0, (room - size * scale) / 2);
        this.move({
            scale,
            x: placed(width, this.box.clientWidth),
            y: placed(height, this.box.clientHeight),
        });
        this.settle();
    }

    fit() {
        const scale = Math.max(MIN_SCALE, this.fittingScale());
        const { width, height } = this.getSize();
        this.move({
            scale,
            x: (this.box.clientWidth - width * scale) / 2,
            y: (this.box.clientHeight - height * scale) / 2,
        });
    }

    /** After a new layout, the node that was nearest to the middle of the box stays where it was. */
    follow(before, after) {
        const center = {
            x: (this.box.clientWidth / 2 - this.x) / this.scale,
            y: (this.box.clientHeight / 2 - this.y) / this.scale,
        };
        let best = null;
        for (const [id, node] of before.nodes) {
            const far = Math.hypot(node.x - center.x, node.y - center.y);
            if (after.nodes.has(id) && (!best || far < best.far)) {
                best = { far, from: node, to: after.nodes.get(id) };
            }
        }
        if (!best) {
            this.start();
            return;
        }
        const { from, to } = best;
        this.move({ x: this.x + (from.x - to.x) * this.scale, y: this.y + (from.y - to.y) * this.scale });
        this.settle(); // its size may have changed
    }

    /** Moves the drawing if an item is not completely in the box. */
    reveal({ x, y, width, height }) {
        const { clientWidth, clientHeight } = this.box;
        const isInside = (center, size, offset, room) =>
            (center - size / 2) * this.scale + offset >= MARGIN_PX &&
            (center + size / 2) * this.scale + offset <= room - MARGIN_PX;
        if (!isInside(x, width, this.x, clientWidth) || !isInside(y, height, this.y, clientHeight)) {
            this.move({ x: clientWidth / 2 - x * this.scale, y: clientHeight / 2 - y * this.scale });
        }
    }

    /** Zooms; what lies below the point stays there. */
    zoom(factor, point = null) {
        const area = this.box.getBoundingClientRect();
        const x = point ? point.clientX - area.left : area.width / 2;
        const y = point ? point.clientY - area.top : area.height / 2;
        const scale = Math.min(MAX_SCALE, Math.max(MIN_SCALE, this.scale * factor));
        const ratio = scale / this.scale;
        this.move({ scale, x: x - (x - this.x) * ratio, y: y - (y - this.y) * ratio });
    }

    zoomIn() {
        this.zoom(STEP);
    }

    zoomOut() {
        this.zoom(1 / STEP);
    }

    onWheel(ev) {
        ev.preventDefault();
        if (ev.ctrlKey || ev.metaKey) {
            this.zoom(Math.exp(-Math.max(-100, Math.min(100, ev.deltaY)) / 300), ev);
        } else {
            const [dx, dy] = ev.shiftKey && !ev.deltaX ? [ev.deltaY, 0] : [ev.deltaX, ev.deltaY];
            this.move({ x: this.x - dx, y: this.y - dy });
        }
    }

    onPointerDown(ev) {
        if (ev.pointerType === "mouse" && ev.button !== 0) {
            return;
        }
        if (!this.pointers.size) {
            this.hasDragged = false;
            this.grip = { clientX: ev.clientX, clientY: ev.clientY };
        }
        this.pointers.set(ev.pointerId, ev);
    }

    onPointerMove(ev) {
        const before = this.pointers.get(ev.pointerId);
        if (!before) {
            return;
        }
        const old = [...this.pointers.values()];
        if (!this.hasDragged && distance([this.grip, ev]) < DRAG_PX && old.length === 1) {
            return;
        }
        this.hasDragged = true;
        this.pointers.set(ev.pointerId, ev);
        const now = [...this.pointers.values()];
        if (now.length === 2) {
            const [from, to] = [middle(old), middle(now)];
            this.move({ x: this.x + to.clientX - from.clientX, y: this.y + to.clientY - from.clientY });
            this.zoom(distance(now) / (distance(old) || 1), to);
        } else if (now.length === 1) {
            this.move({ x: this.x + ev.clientX - before.clientX, y: this.y + ev.clientY - before.clientY });
        }
    }

    onPointerUp(ev) {
        this.pointers.delete(ev.pointerId);
    }

    /** The click that ends a drag is none. */
    takeClick(ev) {
        if (this.hasDragged) {
            this.hasDragged = false;
            ev.stopPropagation();
            ev.preventDefault();
        }
    }

    /** The browser scrolls boxes to what it focuses, even boxes that do not scroll. */
    onScroll() {
        this.box.scrollLeft = this.box.scrollTop = 0;
    }

    listeners() {
        return [
            [this.box, "wheel", this.onWheel, { passive: false }],
            [this.box, "pointerdown", this.onPointerDown, {}],
            [this.box, "scroll", this.onScroll, {}],
            [window, "pointermove", this.onPointerMove, {}],
            [window, "pointerup", this.onPointerUp, {}],
            [window, "pointercancel", this.onPointerUp, {}],
            [this.box, "click", this.takeClick, { capture: true }],
        ];
    }

    release() {
        clearTimeout(this.timer);
        this.pointers.clear();
    }
}
