import { OutputTerminal } from "@cetmix_tower_server/command/terminal";
import { patchWithCleanup } from "@web/../tests/web_test_helpers";

/**
 * Replaces the terminal by one without xterm.js, which is loaded on demand; the tours use the real one.
 *
 * @param {string[]} [written] receives the text that is written to the terminal
 */
export function mockTerminal(written = []) {
    patchWithCleanup(OutputTerminal.prototype, {
        async open() {},
        async write(text) {
            written.push(text);
        },
        dispose() {},
        scrollToEnd() {},
        get lineCount() {
            return written.join("").split("\n").length;
        },
    });
}
