import { EventBus, onMounted, onWillUnmount } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { ConnectionLostError } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";

const FIRST_DELAY_MS = 200; // several jets often change together
const MIN_PAUSE_MS = 1000;
const MAX_RETRY_DELAY_MS = 30000;
const POLL_INTERVAL_MS = 15000; // announcements may get lost

/**
 * Collects the ids of jets that have changed and passes them on together, at most once a second unless told otherwise. A hidden
 * page waits until it is shown.
 */
export class NewsCollector {
    /**
     * @param {(ids: number[] | null) => Promise<void> | void} take null: anything may have changed. If it fails, it gets
     *     the same ids again later
     * @param {{firstDelay?: number, minPause?: number}} [pauses] in milliseconds: before the first call, and between two calls
     */
    constructor(take, { firstDelay = FIRST_DELAY_MS, minPause = MIN_PAUSE_MS } = {}) {
        Object.assign(this, { take, firstDelay, minPause });
        this.ids = new Set();
        this.isAnything = false;
        this.isTaking = false;
        this.failures = 0;
        this.timer = null;
        this.nextDate = 0; // earliest time of the next call
        this.onVisibilityChange = () => this._schedule();
    }

    start() {
        this.isStarted = true;
        document.addEventListener("visibilitychange", this.onVisibilityChange);
    }

    stop() {
        this.isStarted = false;
        browser.clearTimeout(this.timer);
        document.removeEventListener("visibilitychange", this.onVisibilityChange);
    }

    /** @param {number[] | null} ids null: anything may have changed */
    add(ids) {
        if (ids === null) {
            this.isAnything = true;
        } else {
            ids.forEach((id) => this.ids.add(id));
        }
        this._schedule();
    }

    get hasNews() {
        return this.isAnything || this.ids.size > 0;
    }

    _schedule() {
        if (!this.isStarted || this.timer || this.isTaking || !this.hasNews || document.hidden) {
            return;
        }
        const delay = Math.max(this.firstDelay, this.nextDate - Date.now());
        this.timer = browser.setTimeout(() => {
            this.timer = null;
            if (!document.hidden) {
                this._take();
            }
        }, delay);
    }

    async _take() {
        const ids = this.isAnything ? null : [...this.ids];
        const start = Date.now();
        this.ids.clear();
        this.isAnything = false;
        this.isTaking = true;
        try {
            await this.take(ids);
            this.failures = 0;
        } catch (error) {
            // The connection may be lost for a moment. Anything else is shown, but the next news are passed on, too.
            if (!(error instanceof ConnectionLostError)) {
                Promise.reject(error);
            }
            this.failures++;
            this.isAnything = this.isAnything || ids === null;
            (ids || []).forEach((id) => this.ids.add(id));
        }
        this.isTaking = false;
        const pause = Math.max(this.minPause, 2 * (Date.now() - start)) * 2 ** this.failures;
        this.nextDate = Date.now() + Math.min(pause, MAX_RETRY_DELAY_MS);
        this._schedule();
    }
}

/** Tells open screens which jets have changed: what the server announces, and what this page has just done itself. */
export const jetNewsService = {
    dependencies: ["bus_service"],
    start(env, { bus_service: bus }) {
        const news = new EventBus();
        const tell = (ids) => news.trigger("news", { ids });
        bus.subscribe("cetmix_tower_jets", ({ ids }) => tell(ids));
        bus.addEventListener("BUS:RECONNECT", () => tell(null));
        return { news, tell, listen: () => bus.start() };
    },
};
registry.category("services").add("tower_jet_news", jetNewsService);

/**
 * Calls `take` when jets have changed, while the component is mounted.
 *
 * @param {(ids: number[] | null) => Promise<void>} take null: anything may have changed
 * @param {() => number[]} [busyIds] jets that are busy according to the screen; they are looked at again from time to time
 * @param {{firstDelay?: number, minPause?: number}} [pauses] as of `NewsCollector`
 */
export function useJetNews(take, busyIds = () => [], pauses = {}) {
    const { news, listen } = useService("tower_jet_news");
    const collector = new NewsCollector(take, pauses);
    const onNews = ({ detail }) => collector.add(detail.ids);
    let poll = null;
    onMounted(() => {
        collector.start();
        news.addEventListener("news", onNews);
        listen();
        poll = browser.setInterval(() => {
            const ids = document.hidden ? [] : busyIds();
            if (ids.length) {
                collector.add(ids);
            }
        }, POLL_INTERVAL_MS);
    });
    onWillUnmount(() => {
        browser.clearInterval(poll);
        news.removeEventListener("news", onNews);
        collector.stop();
    });
}
