import { rpcBus } from "@web/core/network/rpc";

/**
 * Opens screens one after the other and presses every button of each, and of every dialog that opens. Questions are
 * answered by Cancel. What must not happen: an error dialog, an error on the console, and a button that has the focus
 * although nobody gave it the focus.
 */

const TICK_MS = 30;
const LIMIT_MS = 20000;
// The web client's own, which belong to no screen of ours.
const NOT_OURS = [
    ".btn-close",
    ".dropdown-toggle",
    ".o_pager button",
    ".o_cp_switch_buttons button",
    ".o_form_status_indicator button",
    ".o_notebook_headers button",
    ".o_statusbar_status button",
    ".o_searchview button",
    ".o-mail-Chatter button",
    ".o-mail-Form-chatter button",
    ".o_external_button",
    ".o_field_translate",
    ".o_kanban_record .dropdown button",
].join();

let pending = 0;
rpcBus.addEventListener("RPC:REQUEST", () => pending++);
rpcBus.addEventListener("RPC:RESPONSE", () => pending--);

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const isVisible = (el) => el.isConnected && el.getClientRects().length > 0 && !el.closest(".d-none");
const label = (el) =>
    (el.innerText.trim() || el.title || el.getAttribute("aria-label") || el.name || el.className).split(
        "\n",
    )[0];

async function settle() {
    const giveUp = Date.now() + LIMIT_MS;
    let quiet = 0;
    while (quiet < 4 && Date.now() < giveUp) {
        await sleep(TICK_MS);
        quiet = pending <= 0 && !document.querySelector(".o_blockUI") ? quiet + 1 : 0;
    }
}

class Walk {
    constructor(env) {
        this.env = env;
        this.problems = [];
        this.clicks = 0;
        this.seen = new Set(); // buttons of dialogs
    }

    get dialog() {
        return [...document.querySelectorAll(".o_dialog:not(.o_inactive_modal) .modal")].at(-1);
    }

    get here() {
        return JSON.stringify([
            this.env.services.action.currentController?.jsId,
            document.querySelectorAll(".o_dialog").length,
        ]);
    }

    problem(where, what) {
        this.problems.push(`${where}: ${what}`);
    }

    checkFocus(where) {
        const button = document.activeElement?.closest("button, a.btn, [role=button]");
        const isCancel = button?.matches(
            ".btn-secondary:last-child, [special=cancel], .o_form_button_cancel",
        );
        if (button && !isCancel && button.closest(".o_content, .modal")) {
            this.problem(where, `“${label(button)}” has the focus by itself`);
        }
    }

    /** An error dialog is noted and closed. */
    checkErrors(where) {
        for (const el of document.querySelectorAll(".o_error_dialog")) {
            this.problem(where, el.innerText.replace(/\s+/g, " ").slice(0, 300));
        }
        for (const el of document.querySelectorAll(".o_notification:has(.bg-danger)")) {
            if (!el.innerText.includes("Missing required")) {
                this.problem(where, el.innerText.replace(/\s+/g, " ").slice(0, 300));
            }
            el.querySelector(".o_notification_close")?.click();
        }
    }

    async open(screen) {
        document.activeElement?.blur();
        this.env.services.dialog.closeAll();
        await this.env.services.action.doAction(screen.action, { clearBreadcrumbs: true, forceLeave: true });
        await settle();
    }

    buttons(root) {
        const seen = new Map();
        for (const el of root.querySelectorAll("button, a.btn")) {
            // A list has the same button in each row: one of them will do.
            const key = `${el.name}|${label(el)}`;
            if (isVisible(el) && !el.disabled && !el.matches(NOT_OURS) && !seen.has(key)) {
                seen.set(key, el);
            }
        }
        return seen;
    }

    /** A tab that lies outside of the window is found by nobody. */
    checkTabs(where) {
        for (const tab of this.tabs()) {
            const { left, right, width } = tab.getBoundingClientRect();
            if (width && (left < 0 || right > window.innerWidth)) {
                this.problem(where, `the tab “${label(tab)}” is outside of the window`);
            }
        }
    }

    tabs() {
        return [...document.querySelectorAll(".o_content .o_notebook_headers .nav-link")].filter(isVisible);
    }

    async openTab(index) {
        const tab = index < 0 ? null : this.tabs()[index];
        if (tab && !tab.classList.contains("active")) {
            tab.click();
            await settle();
        }
    }

    async screen(screen) {
        await this.open(screen);
        this.checkErrors(screen.name);
        this.checkFocus(screen.name);
        this.checkTabs(screen.name);
        if (screen.onlyLook) {
            return;
        }
        if (this.dialog) {
            await this.walkDialog(screen.name, () => this.open(screen)); // nobody reaches what is behind it
            return;
        }
        const done = new Set();
        const tabCount = Math.max(1, this.tabs().length);
        for (let tab = 0; tab < tabCount; tab++) {
            await this.openTab(tab);
            for (const key of this.buttons(document.querySelector(".o_content")).keys()) {
                if (!done.has(key)) {
                    done.add(key);
                    await this.press(screen, tab, key);
                }
            }
        }
    }

    async find(screen, tab, key) {
        await this.openTab(tab);
        let el = this.buttons(document.querySelector(".o_content")).get(key);
        if (!el) {
            await this.open(screen);
            await this.openTab(tab);
            el = this.buttons(document.querySelector(".o_content")).get(key);
        }
        return el;
    }

    async press(screen, tab, key) {
        const where = `${screen.name} > ${key}`;
        const before = this.here;
        const el = await this.find(screen, tab, key);
        if (!el) {
            return; // it is gone with what an earlier one did
        }
        this.clicks++;
        el.focus();
        el.click();
        await settle();
        this.checkErrors(where);
        if (this.dialog) {
            await this.walkDialog(where, async () => {
                await this.open(screen);
                const again = await this.find(screen, tab, key);
                again?.click();
                await settle();
            });
        }
        if (this.here !== before || document.querySelector(".o_error_dialog")) {
            await this.open(screen);
        }
    }

    async walkDialog(where, reopen) {
        const { dialog } = this;
        if (dialog.querySelector(".o_error_dialog") || dialog.matches(":has(.o_error_dialog)")) {
            return;
        }
        this.checkFocus(`${where} (dialog)`);
        const title = dialog.querySelector(".modal-title")?.innerText;
        for (const key of this.buttons(dialog).keys()) {
            const id = `${title}|${key}`;
            if (this.seen.has(id)) {
                continue;
            }
            this.seen.add(id);
            if (!this.dialog) {
                await reopen();
            }
            const el = this.dialog && this.buttons(this.dialog).get(key);
            const isQuestion = this.dialog?.querySelector("p.text-prewrap, [data-question]");
            if (!el || (isQuestion && !el.matches(".btn-secondary"))) {
                continue;
            }
            this.clicks++;
            const count = document.querySelectorAll(".o_dialog").length;
            el.focus();
            el.click();
            await settle();
            this.checkErrors(`${where} > ${title} > ${key}`);
            if (document.querySelectorAll(".o_dialog").length > count) {
                this.checkFocus(`${where} > ${title} > ${key} (dialog)`);
                await reopen();
            }
        }
        this.env.services.dialog.closeAll();
        await settle();
    }
}

// Copying needs a permission that a headless browser does not give.
const allowCopying = () =>
    Object.defineProperty(navigator, "clipboard", {
        value: { writeText: async () => {} },
        configurable: true,
    });

odoo.towerWalk = async (screens) => {
    allowCopying();
    const walk = new Walk(odoo.__WOWL_DEBUG__.root.env);
    for (const screen of screens) {
        const clicks = walk.clicks;
        try {
            await walk.screen(screen);
        } catch (error) {
            walk.problem(screen.name, error.stack || String(error));
        }
        console.log(`${screen.name}: ${walk.clicks - clicks} buttons`);
    }
    walk.env.services.dialog.closeAll();
    await walk.env.services.action.doAction("cetmix_tower_server.action_cx_tower_server", {
        forceLeave: true,
    });
    await settle();
    console.log(`pressed ${walk.clicks} buttons on ${screens.length} screens`);
    if (walk.problems.length) {
        console.error(walk.problems.join("\n"));
    } else {
        console.log("test successful");
    }
};
