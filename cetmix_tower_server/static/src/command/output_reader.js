export const FIRST_READ_CHARACTERS = 64 * 1024; // small, so that something is on the screen at once
export const READ_CHARACTERS = 1024 * 1024;

/** Reads the output of a log piece by piece. While one piece is printed, the next one is on its way. */
export class OutputReader {
    /** @param {(offset: number, limit: number) => Promise<Object>} call calls `read_output` */
    constructor(call) {
        this.call = call;
        this.offset = 0;
        this.next = null;
    }

    /**
     * @returns {Promise<Object>} result of `read_output`; `more` and `finished` are those of `RunFollower`: a run that has ended
     *     is finished only when all of its output has been read
     */
    async read() {
        const next = this.next || this._request();
        this.next = null;
        const result = await next;
        const more = result.more && result.end > this.offset;
        this.offset = Math.max(this.offset, result.end);
        if (more) {
            this.next = this._request();
            this.next.catch(() => {}); // the next call of read() throws the error
        }
        return { ...result, more, finished: result.finished && !more };
    }

    _request() {
        return this.call(this.offset, this.offset ? READ_CHARACTERS : FIRST_READ_CHARACTERS);
    }
}
