import { browser } from "@web/core/browser/browser";

export const POLL_INTERVAL_MS = 2000;
const MIN_PAUSE_MS = 300;
const MAX_RETRY_DELAY_MS = 30000;

/**
 * Reads a run repeatedly until it has ended.
 *
 * Only the results of reads count. An announcement on the bus is a hint that makes the next read happen sooner, so a browser
 * that slept, lost its connection or subscribed too late misses nothing. A hidden page reads nothing.
 */
export class RunFollower {
    /**
     * @param {Object} options
     * @param {() => Promise<{finished?: boolean, more?: boolean}>} options.read `finished`: the run has ended, so this was
     *     the last read; `more`: read again without a pause
     * @param {(result: Object) => void | Promise<void>} [options.onResult] takes a result; the next read waits for it
     * @param {(error: Error) => boolean} [options.onError] returns whether to try again; the default is to
     *     try for ever
     */
    constructor({ read, onResult = () => {}, onError = () => true }) {
        this.read = read;
        this.onResult = onResult;
        this.onError = onError;
        this.isFollowing = false;
        this.current = null; // identifies the read in progress
        this.isHinted = false;
        this.failures = 0; // in a row
        this.nextDate = 0; // earliest time of the next read
        this.timer = null;
        this.onVisibilityChange = () => this.hint();
    }

    /**
     * Starts to read, also if the run is being followed already or has ended. The result of a read in progress is dropped.
     *
     * @param {number} [delay] milliseconds before the first read
     */
    start(delay = 0) {
        this.stop();
        this.isFollowing = true;
        this.failures = 0;
        this.nextDate = 0;
        document.addEventListener("visibilitychange", this.onVisibilityChange);
        if (delay) {
            this._schedule(delay);
        } else {
            this._read();
        }
    }

    /** Stops reading. The result of a read in progress is dropped. */
    stop() {
        this.isFollowing = false;
        this.current = null;
        browser.clearTimeout(this.timer);
        document.removeEventListener("visibilitychange", this.onVisibilityChange);
    }

    /** Makes the next read happen sooner: there may be something new. */
    hint() {
        if (this.current) {
            this.isHinted = true;
        } else if (this.isFollowing && !document.hidden) {
            this._schedule(this.nextDate - Date.now());
        }
    }

    async _read() {
        const current = (this.current = {});
        const start = Date.now();
        let result = {};
        let duration = 0;
        this.isHinted = false;
        try {
            result = await this.read();
            duration = Date.now() - start;
            if (this.current === current) {
                this.failures = 0;
                await this.onResult(result);
            }
        } catch (error) {
            if (this.current === current) {
                this.failures++;
                this.isFollowing = this.onError(error);
            }
        }
        if (this.current === current) {
            this.current = null;
            this._continue(result, duration);
        }
    }

    _continue({ finished, more }, duration) {
        if (finished || !this.isFollowing) {
            this.stop();
        } else if (more) {
            this._read();
        } else {
            // Runs may be announced faster than they can be read: leave the server and the browser time.
            const pause = Math.max(MIN_PAUSE_MS, 2 * duration);
            const delay = Math.min(POLL_INTERVAL_MS * 2 ** this.failures, MAX_RETRY_DELAY_MS);
            this.nextDate = Date.now() + pause;
            this._schedule(this.isHinted && !this.failures ? pause : Math.max(delay, pause));
        }
    }

    _schedule(delay) {
        browser.clearTimeout(this.timer);
        this.timer = browser.setTimeout(
            () => {
                // When the page is shown again, onVisibilityChange continues.
                if (!document.hidden) {
                    this._read();
                }
            },
            Math.max(0, delay),
        );
    }
}
