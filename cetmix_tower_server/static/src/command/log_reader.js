import { browser } from "@web/core/browser/browser";

export const FIRST_READ_CHARACTERS = 64 * 1024; // small, so that something is on the screen at once
export const READ_CHARACTERS = 1024 * 1024;
export const POLL_INTERVAL_MS = 2000;
const MAX_RETRY_DELAY_MS = 30000;

/**
 * Follows the output of one log. Reading from the offset is the truth; an announcement from the bus only makes the next
 * read happen at once. So a browser that slept or lost its socket misses nothing.
 */
export class LogReader {
    /**
     * @param {Object} options
     * @param {(offset: number, limit: number) => Promise<Object>} options.read calls `read_output`
     * @param {(result: Object) => Promise<void>} options.onResult takes a result; reading goes on when it is done,
     *     so that a slow terminal slows down the reading
     * @param {(error: Error) => boolean} options.onError returns whether to try again
     */
    constructor({ read, onResult, onError }) {
        this.read = read;
        this.onResult = onResult;
        this.onError = onError;
        this.offset = 0;
        this.isStopped = false;
        this.isFinished = false;
        this.isReading = false;
        this.isHinted = false;
        this.failures = 0;
        this.timer = null;
    }

    start() {
        return this._readAll();
    }

    stop() {
        this.isStopped = true;
        browser.clearTimeout(this.timer);
    }

    /** Something new may be there. */
    hint() {
        if (this.isStopped || this.isFinished) {
            return;
        }
        if (this.isReading) {
            this.isHinted = true;
        } else {
            this._readAll();
        }
    }

    async _readAll() {
        browser.clearTimeout(this.timer);
        this.isReading = true;
        try {
            do {
                this.isHinted = false;
                await this._readToEnd();
            } while (this.isHinted && !this.isStopped);
            this.failures = 0;
        } catch (error) {
            this.failures++;
            if (this.isStopped || !this.onError(error)) {
                this.stop();
            }
        } finally {
            this.isReading = false;
        }
        this._planNextRead();
    }

    /** Reads all there is. The next piece is on its way while the terminal takes in the last one. */
    async _readToEnd() {
        let next = this._readPiece();
        while (next) {
            const result = await next;
            if (this.isStopped) {
                return;
            }
            const hasMore = result.more && result.end > this.offset;
            this.offset = Math.max(this.offset, result.end);
            this.isFinished = result.finished && !hasMore;
            next = hasMore ? this._readPiece() : null;
            next?.catch(() => {}); // it is awaited after the terminal is done
            await this.onResult(result);
        }
    }

    _readPiece() {
        return this.read(this.offset, this.offset ? READ_CHARACTERS : FIRST_READ_CHARACTERS);
    }

    _planNextRead() {
        if (this.isStopped || this.isFinished) {
            return;
        }
        const delay = Math.min(POLL_INTERVAL_MS * 2 ** this.failures, MAX_RETRY_DELAY_MS);
        this.timer = browser.setTimeout(() => this._readAll(), delay);
    }
}
