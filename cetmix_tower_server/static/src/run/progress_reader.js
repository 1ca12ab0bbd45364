import { browser } from "@web/core/browser/browser";

export const POLL_INTERVAL_MS = 2000;
export const MIN_PAUSE_MS = 300;
const MAX_RETRY_DELAY_MS = 30000;

/**
 * Follows how a run stands. Reading is the truth; an announcement from the bus only makes the next read happen sooner.
 * Nothing is read while nobody looks at the page, nor after the run has ended.
 */
export class ProgressReader {
    /**
     * @param {Object} options
     * @param {() => Promise<{finished: boolean}>} options.read
     * @param {(result: Object) => void} options.onResult
     * @param {(error: Error) => boolean} options.onError returns whether to try again
     */
    constructor({ read, onResult, onError }) {
        this.read = read;
        this.onResult = onResult;
        this.onError = onError;
        this.isStopped = false;
        this.isFinished = false;
        this.isReading = false;
        this.isHinted = false;
        this.failures = 0;
        this.nextDate = 0; // not before this
        this.timer = null;
    }

    start() {
        return this._read();
    }

    stop() {
        this.isStopped = true;
        browser.clearTimeout(this.timer);
    }

    /** Something may have changed, or somebody looks again. */
    hint() {
        if (this.isReading || document.hidden) {
            this.isHinted = true;
        } else {
            this._plan(this.nextDate - Date.now());
        }
    }

    /** Something else is to be read, at once, also of a run that has ended. */
    again() {
        this.isFinished = false;
        this.isHinted = true;
        if (!this.isReading) {
            this._plan(0);
        }
    }

    async _read() {
        browser.clearTimeout(this.timer);
        this.isReading = true;
        this.isHinted = false;
        const start = Date.now();
        try {
            const result = await this.read();
            if (!this.isStopped) {
                this.isFinished = result.finished;
                this.failures = 0;
                this.onResult(result);
            }
        } catch (error) {
            this.failures++;
            if (this.isStopped || !this.onError(error)) {
                this.stop();
            }
        } finally {
            this.isReading = false;
        }
        // A long plan whose steps take no time announces faster than anybody can read.
        const pause = Math.max(MIN_PAUSE_MS, 2 * (Date.now() - start));
        this.nextDate = Date.now() + pause;
        const delay = Math.min(POLL_INTERVAL_MS * 2 ** this.failures, MAX_RETRY_DELAY_MS);
        this._plan(this.isHinted && !this.failures ? pause : Math.max(delay, pause));
    }

    _plan(delay) {
        browser.clearTimeout(this.timer);
        if (this.isStopped || this.isFinished) {
            return;
        }
        this.timer = browser.setTimeout(() => this._onTimer(), Math.max(0, delay));
    }

    _onTimer() {
        if (document.hidden) {
            this.isHinted = true; // `hint` is called when the page is shown again
        } else {
            this._read();
        }
    }
}
