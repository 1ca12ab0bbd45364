import { cookie } from "@web/core/browser/cookie";

// Steps that several tours have in common.

/** What a test gives to its tour, in the cookie `tower_tour`: the address of a host and the like. */
export const input = () => JSON.parse(decodeURIComponent(cookie.get("tower_tour")));
export const sleepUntil = async (condition, what) => {
    for (let tries = 0; tries < 300; tries++) {
        if (condition()) {
            return;
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`Waited in vain for ${what}`);
};
const screenText = () => document.querySelector(".o_tower_console .xterm-rows")?.innerText || "";

export function openLog() {
    const menu = (name) => `[data-menu-xmlid='cetmix_tower_server.${name}']`;
    return [
        {
            content: "Open the menu of logs",
            trigger: `.o_main_navbar .o_menu_sections ${menu("menu_logs")}`,
            run: "click",
        },
        {
            content: "Open the command log",
            trigger: `.o-dropdown--menu ${menu("cx_tower_command_log_menu")}`,
            run: "click",
        },
    ];
}

export function openApp() {
    return { content: "Open Tower", trigger: ".o_web_client .o_main_navbar" };
}

export function edit(field, value, content) {
    return {
        content: content || `Fill in ${field}`,
        trigger: `.o_form_view div[name='${field}'] input`,
        run: (helpers) => helpers.edit(typeof value === "function" ? value() : value),
    };
}

export function consoleShows(text, content) {
    return {
        content: content || `The console shows “${text}”`,
        trigger: ".o_tower_console .xterm-rows",
        run: () => sleepUntil(() => screenText().includes(text), text),
        timeout: 30000,
    };
}

export function consoleStateIs(state) {
    return {
        content: `The run is ${state}`,
        trigger: `.o_tower_console[data-state='${state}']`,
        timeout: 30000,
    };
}

/** Chooses two servers in the list and starts a command on both. */
export function runOnTwoServers(command, action = "ssh_command") {
    return [
        { content: "Show the servers as a list", trigger: ".o_switch_view.o_list", run: "click" },
        ...["Tour one", "Tour two"].map((server) => ({
            content: `Choose ${server}`,
            trigger: `.o_data_row:contains(${server}) .o_list_record_selector input`,
            run: "click",
        })),
        {
            content: "Run a command on them",
            trigger: "button[name=action_run_command]:contains(Run Command)",
            run: "click",
        },
        {
            content: "Choose the kind",
            trigger: `.modal div[name=action] input[data-value=${action}]`,
            run: "click",
        },
        {
            content: "Choose the command",
            trigger: ".modal div[name=command_id] input",
            run: `edit ${command}`,
        },
        {
            content: "Take it from the list",
            trigger: `.modal .o-autocomplete--dropdown-item:contains(${command})`,
            run: "click",
        },
        {
            content: "The preview shows the first server",
            trigger: ".modal .o_tower_preview:contains(Tour one)",
        },
        {
            content: "The preview shows the second server",
            trigger: ".modal .o_tower_preview:contains(Tour two)",
        },
        { content: "Run it", trigger: ".modal button[name=run_command_on_server]", run: "click" },
        { content: "One screen shows both runs", trigger: ".o_tower_fleet_row:contains(Tour one)" },
        { content: "One screen shows both runs", trigger: ".o_tower_fleet_row:contains(Tour two)" },
    ];
}

/** Opens the run on a server from the screen of a fleet run. */
export function openRunOn(server) {
    return [
        {
            content: `Unfold the run on ${server}`,
            trigger: `.o_tower_fleet_row:contains(${server}) .o_tower_fleet_row_button`,
            run: "click",
        },
        { content: "Open it", trigger: ".o_tower_fleet_open", run: "click" },
        { content: "It is open", trigger: ".o_form_view:not(:has(.o_tower_fleet))" },
    ];
}
