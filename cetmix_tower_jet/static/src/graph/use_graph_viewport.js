import { onMounted, onPatched, onWillUnmount, useEffect } from "@odoo/owl";

const MIN_SCALE = 0.1;
const MAX_SCALE = 3;
const STEP = 1.25;
// The smallest text is 13 px high; below this scale it would be smaller than 12 px.
const READABLE_SCALE = 12 / 13;
const DRAG_PX = 4;
const HEIGHT_SHARE = 0.7;
const MIN_HEIGHT_PX = 120;

const distance = ([one, other]) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
const middle = ([one, other]) => ({
    clientX: (one.clientX + other.clientX) / 2,
    clientY: (one.clientY + other.clientY) / 2,
});

/**
 * Zoom and position of a drawing inside of a box that scrolls, as a part of a page. Where there is a mouse, the box hides what does not fit and is moved by
 * dragging, so that the wheel scrolls the page; on touch screens it scrolls by itself. Focus scrolls it in both cases.
 */
export class ScrollViewport {
    constructor(boxRef, { getSize, getFocusPoint }) {
        Object.assign(this, { boxRef, getSize, getFocusPoint });
        this.scale = 1;
        this.hasDragged = false;
    }

    get box() {
        return this.boxRef.el;
    }

    get svg() {
        return this.box?.querySelector("svg");
    }

    /** The size of the drawing is the scale's business alone: rendering does not touch it. */
    apply() {
        const { width, height } = this.getSize();
        this.svg?.setAttribute("width", Math.round(width * this.scale));
        this.svg?.setAttribute("height", Math.round(height * this.scale));
    }

    fittingScale() {
        const { width, height } = this.getSize();
        const maxHeight = Math.max(MIN_HEIGHT_PX, window.innerHeight * HEIGHT_SHARE);
        return Math.min(1, this.box.clientWidth / width, maxHeight / height);
    }

    /** The whole graph if its text can be read then, otherwise the part around the current node. */
    start() {
        this.show(Math.max(this.fittingScale(), READABLE_SCALE));
        const { x, y } = this.getFocusPoint();
        this.box.scrollLeft = x * this.scale - this.box.clientWidth / 2;
        this.box.scrollTop = y * this.scale - this.box.clientHeight / 2;
    }

    fit() {
        this.show(Math.max(MIN_SCALE, this.fittingScale()));
    }

    show(scale) {
        this.scale = scale;
        this.apply();
        const maxHeight = Math.max(MIN_HEIGHT_PX, window.innerHeight * HEIGHT_SHARE);
        this.box.style.height = `${Math.ceil(Math.min(maxHeight, this.getSize().height * scale)) + 2}px`;
    }

    /** Zooms; what lies below the point stays there. */
    zoom(factor, point = null) {
        const area = this.box.getBoundingClientRect();
        const x = point ? point.clientX - area.left : area.width / 2;
        const y = point ? point.clientY - area.top : area.height / 2;
        const scale = Math.min(MAX_SCALE, Math.max(MIN_SCALE, this.scale * factor));
        const ratio = scale / this.scale;
        const left = (this.box.scrollLeft + x) * ratio - x;
        const top = (this.box.scrollTop + y) * ratio - y;
        this.scale = scale;
        this.apply();
        this.box.scrollLeft = left;
        this.box.scrollTop = top;
    }

    zoomIn() {
        this.zoom(STEP);
    }

    zoomOut() {
        this.zoom(1 / STEP);
    }

    onWheel(ev) {
        if (!ev.ctrlKey && !ev.metaKey) {
            return; // the page scrolls
        }
        ev.preventDefault();
        this.zoom(Math.exp(-Math.max(-100, Math.min(100, ev.deltaY)) / 300), ev);
    }

    onPointerDown(ev) {
        if (ev.pointerType === "touch" || ev.button !== 0) {
            return;
        }
        this.hasDragged = false;
        this.grip = {
            x: ev.clientX + this.box.scrollLeft,
            y: ev.clientY + this.box.scrollTop,
            startX: ev.clientX,
            startY: ev.clientY,
        };
    }

    onPointerMove(ev) {
        if (!this.grip || !(ev.buttons & 1)) {
            this.grip = null;
            return;
        }
        const { x, y, startX, startY } = this.grip;
        if (!this.hasDragged && Math.hypot(ev.clientX - startX, ev.clientY - startY) < DRAG_PX) {
            return;
        }
        this.hasDragged = true;
        this.box.scrollLeft = x - ev.clientX;
        this.box.scrollTop = y - ev.clientY;
    }

    onTouchStart(ev) {
        this.pinch = ev.touches.length === 2 ? distance(ev.touches) : 0;
    }

    onTouchMove(ev) {
        if (ev.touches.length !== 2 || !this.pinch) {
            return;
        }
        ev.preventDefault();
        const now = distance(ev.touches);
        this.zoom(now / this.pinch, middle(ev.touches));
        this.pinch = now;
    }

    /** The browser scrolls to what it focuses. */
    reveal(_item, element, isFocused = true) {
        if (!isFocused) {
            element.scrollIntoView({ block: "nearest", inline: "nearest" });
        }
    }

    get view() {
        return null; // the next visit starts anew
    }

    /** What the viewport listens to, as arguments of `addEventListener`. */
    listeners() {
        return [
            [this.box, "wheel", this.onWheel, { passive: false }],
            [this.box, "touchstart", this.onTouchStart, { passive: true }],
            [this.box, "touchmove", this.onTouchMove, { passive: false }],
            [this.box, "pointerdown", this.onPointerDown, {}],
            [window, "pointermove", this.onPointerMove, {}],
            [this.box, "click", this.takeClick, { capture: true }],
        ];
    }

    release() {
        this.grip = null;
    }

    /** The click that ends a drag is none. */
    takeClick(ev) {
        if (this.hasDragged) {
            this.hasDragged = false;
            ev.stopPropagation();
            ev.preventDefault();
        }
    }
}

/**
 * @param {typeof ScrollViewport} Viewport
 * @param {{el: HTMLElement}} boxRef the box, with the `svg` in it
 * @param {Object} options
 * @param {() => {width: number, height: number}} options.getSize of the drawing at scale 1
 * @param {() => {x: number, y: number}} options.getFocusPoint what is to be seen first
 * @param {() => any} options.getLayout a new value shows the drawing from its start
 * @param {() => any} [options.getViewKey] as long as it stays the same, a canvas keeps what it shows when the layout changes
 * @param {Object} [options.firstView] what a canvas shows first
 */
export function useGraphViewport(Viewport, boxRef, options) {
    const viewport = new Viewport(boxRef, options);
    useEffect(
        (box) => {
            if (!box) {
                return;
            }
            const handlers = viewport
                .listeners()
                .map(([target, name, method, how]) => [target, name, method.bind(viewport), how]);
            handlers.forEach(([target, name, handler, how]) => target.addEventListener(name, handler, how));
            return () =>
                handlers.forEach(([target, name, handler, how]) =>
                    target.removeEventListener(name, handler, how),
                );
        },
        () => [boxRef.el],
    );
    let shown = { layout: null };
    const showNew = () => {
        const next = { layout: options.getLayout(), viewKey: options.getViewKey?.() };
        if (boxRef.el && next.layout && shown.layout !== next.layout) {
            const canFollow = viewport.follow && shown.layout && shown.viewKey === next.viewKey;
            canFollow ? viewport.follow(shown.layout, next.layout) : viewport.start();
            shown = next;
        }
    };
    onMounted(showNew);
    onPatched(showNew);
    onWillUnmount(() => viewport.release());
    return viewport;
}
