import { cookie } from "@web/core/browser/cookie";
import { registry } from "@web/core/registry";

/**
 * The way of an operator through Tower. Two tests walk it: `tests/test_tours.py` (Python commands, so that no host is
 * needed) and `tests/acceptance/test_browser.py` (commands on real hosts, watched live). The host's address comes in the
 * cookie `tower_tour`.
 */

const input = () => JSON.parse(decodeURIComponent(cookie.get("tower_tour")));
const sleepUntil = async (condition, what) => {
    for (let tries = 0; tries < 300; tries++) {
        if (condition()) {
            return;
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`Waited in vain for ${what}`);
};
const screenText = () => document.querySelector(".o_tower_console .xterm-rows")?.innerText || "";

function openLog() {
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

function openApp() {
    return { content: "Open Tower", trigger: ".o_web_client .o_main_navbar" };
}

function edit(field, value, content) {
    return {
        content: content || `Fill in ${field}`,
        trigger: `.o_form_view div[name='${field}'] input`,
        run: (helpers) => helpers.edit(typeof value === "function" ? value() : value),
    };
}

function consoleShows(text, content) {
    return {
        content: content || `The console shows “${text}”`,
        trigger: ".o_tower_console .xterm-rows",
        run: () => sleepUntil(() => screenText().includes(text), text),
    };
}

function consoleStateIs(state) {
    return {
        content: `The run is ${state}`,
        trigger: `.o_tower_console[data-state='${state}']`,
        timeout: 30000,
    };
}

/** Chooses two servers in the list and starts a command on both. */
function runOnTwoServers(command, action = "ssh_command") {
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
function openRunOn(server) {
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

registry.category("web_tour.tours").add("tower_run_and_find", {
    url: "/odoo/cetmix_tower_servers",
    steps: () => [
        openApp(),
        ...runOnTwoServers("Tour greeting", "python_code"),
        ...openRunOn("Tour one"),
        consoleStateIs("done"),
        consoleShows("a word from Tour one"),
        { content: "Search in the output", trigger: ".o_tower_console_find", run: "click" },
        { content: "Type a word", trigger: ".o_tower_console_search input", run: "edit word" },
        { content: "It is found", trigger: ".o_tower_console_matches:contains(1 of 1)" },
        {
            content: "Copy takes all of the output, not the word that was found",
            trigger: ".o_tower_console_copy",
            run: async ({ anchor }) => {
                let copied = "";
                Object.defineProperty(navigator, "clipboard", {
                    value: { writeText: async (text) => (copied = text) },
                    configurable: true,
                });
                await anchor.click();
                if (copied.trim() !== "a word from Tour one") {
                    throw new Error(`Copied: ${copied}`);
                }
            },
        },
        { content: "Use the whole window", trigger: ".o_tower_console_enlarge", run: "click" },
        { content: "And back", trigger: ".o_tower_console_large .o_tower_console_enlarge", run: "click" },
        { content: "See what was run", trigger: ".o_notebook a[name=code].active" },
        { content: "Run it again", trigger: "button[name=action_run_again]", run: "click" },
        {
            content: "It is asked, and names what runs where",
            trigger: ".modal:contains(Run “Tour greeting” on Tour one again) .btn-primary",
            run: "click",
        },
        // Both runs are over before their forms are there.
        { content: "The form is that of a run that has ended", trigger: "button[name=action_run_again]" },
        consoleStateIs("done"),
        ...openLog(),
        { content: "The log knows all three runs", trigger: ".o_list_view .o_data_row:nth-child(3)" },
    ],
});

registry.category("web_tour.tours").add("tower_fleet_run", {
    url: "/odoo/action-cetmix_tower_server.action_cx_tower_plan",
    steps: () => [
        openApp(),
        {
            content: "Run the flight plan",
            trigger: ".o_data_row:contains(Tour fleet plan) button[name=action_run_flight_plan]",
            run: "click",
        },
        {
            content: "Choose servers by criteria",
            trigger: ".modal div[name=is_by_criteria] input",
            run: "click",
        },
        {
            content: "Those with a tag",
            trigger: ".modal div[name=server_tag_ids] input",
            run: "edit Tour fleet",
        },
        {
            content: "Take it from the list",
            trigger: ".modal .o-autocomplete--dropdown-item:contains(Tour fleet)",
            run: "click",
        },
        { content: "Its servers are found", trigger: ".modal div[name=server_ids]:contains(Tour three)" },
        {
            content: "One after the other",
            trigger: ".modal div[name=concurrency_limit] input",
            run: "edit 1",
        },
        { content: "Run it", trigger: ".modal button[name=run_flight_plan]", run: "click" },
        {
            content: "It failed on one of them",
            trigger: ".o_tower_fleet[data-state=failed] .o_tower_fleet_message:contains(2 of 3)",
        },
        { content: "Which one?", trigger: ".o_tower_fleet_filter[data-group=failed]", run: "click" },
        {
            content: "That one alone is shown",
            trigger: ".o_tower_fleet_rows:not(:has(.o_tower_fleet_row:nth-child(2)))",
        },
        {
            content: "Look at it",
            trigger: ".o_tower_fleet_row:contains(Tour two) .o_tower_fleet_row_button",
            run: "click",
        },
        { content: "Its steps are there", trigger: ".o_tower_fleet_inside .o_tower_step[data-state=failed]" },
        { content: "Retry where it failed", trigger: ".o_tower_fleet_retry:contains(1)", run: "click" },
        { content: "On one server", trigger: ".modal:contains(on 1 server) .btn-primary", run: "click" },
        {
            content: "This time it worked",
            trigger: ".o_tower_fleet[data-state=done] .o_tower_fleet_message:contains(1 of 1)",
        },
        {
            content: "It says what it repeats",
            trigger: ".o_form_view div[name=retry_of_id]:contains(3 servers)",
        },
    ],
});

registry.category("web_tour.tours").add("tower_plan_run", {
    url: "/odoo/cetmix_tower_servers",
    steps: () => [
        openApp(),
        {
            content: "Run a flight plan on a server",
            trigger: ".o_kanban_record:contains(Tour one) button[name=action_run_flight_plan]",
            run: "click",
        },
        {
            content: "Choose the flight plan",
            trigger: ".modal div[name=plan_id] input",
            run: "edit Tour plan",
        },
        {
            content: "Take it from the list",
            trigger: ".modal .o-autocomplete--dropdown-item:contains(Tour plan)",
            run: "click",
        },
        {
            content: "The preview shows the first step as it will run",
            trigger: ".modal .o_tower_plan_preview_line:contains(Tour first) pre:contains(one and only)",
        },
        {
            content: "The preview shows under which condition a step runs",
            trigger: ".modal .o_tower_plan_preview_line code:contains(tour_value)",
        },
        { content: "Run it", trigger: ".modal button[name=run_flight_plan]", run: "click" },
        { content: "It ends well", trigger: ".o_tower_plan[data-state=done]", timeout: 30000 },
        { content: "All steps are done", trigger: ".o_tower_plan_progress_text:contains(4 of 4 steps)" },
        {
            content: "A step was skipped, and it says why",
            trigger: ".o_tower_step[data-state=skipped] .o_tower_step_remark:contains(tour_value)",
        },
        {
            content: "The last step is the one to look at",
            trigger: ".o_tower_step_selected:contains(Tour last)",
        },
        consoleShows("the last word"),
        {
            content: "Select the first step",
            trigger: ".o_tower_step:contains(Tour first)",
            run: "click",
        },
        consoleShows("one and only", "Its output is shown"),
        {
            content: "Unfold the flight plan inside",
            trigger: ".o_tower_step:contains(Tour inner) .o_tower_step_fold",
            run: "click",
        },
        {
            content: "Select its step",
            trigger: ".o_tower_step[aria-level='2']:contains(Tour last)",
            run: "click",
        },
        consoleShows("the last word"),
        { content: "Open the step's own log", trigger: ".o_tower_plan_open_step", run: "click" },
        {
            content: "It tells of which run it is a step",
            trigger: ".o_tower_run_line div[name=plan_log_id]:contains(Tour inner plan)",
        },
        consoleStateIs("done"),
        {
            content: "Go back to the flight plan",
            trigger: ".o_breadcrumb a:contains(Tour plan), .o_breadcrumb .o_back_button",
            run: "click",
        },
        {
            content: "Remember which run this is",
            trigger: ".o_tower_plan[data-state=done]",
            run: () => document.body.setAttribute("data-tour-run", window.location.pathname),
        },
        { content: "Run it again", trigger: ".o_tower_plan_again", run: "click" },
        {
            content: "It is asked, and names what runs where",
            trigger: ".modal:contains(“Tour plan” on Tour one) .btn-primary",
            run: "click",
        },
        {
            content: "Another run is shown",
            trigger: ".o_tower_plan",
            run: () =>
                sleepUntil(
                    () => window.location.pathname !== document.body.getAttribute("data-tour-run"),
                    "another run",
                ),
        },
        { content: "It ends well", trigger: ".o_tower_plan[data-state=done]", timeout: 30000 },
        {
            content: "Open the menu of logs",
            trigger: ".o_main_navbar .o_menu_sections [data-menu-xmlid='cetmix_tower_server.menu_logs']",
            run: "click",
        },
        {
            content: "Open the flight plan log",
            trigger: ".o-dropdown--menu [data-menu-xmlid='cetmix_tower_server.cx_tower_plan_log_menu']",
            run: "click",
        },
        {
            content: "Both runs are there",
            trigger: ".o_list_view .o_data_row:nth-child(2):contains(Tour plan)",
        },
        {
            content: "The runs inside them are not in the way",
            trigger: ".o_list_view:not(:has(.o_data_row:contains(Tour inner plan)))",
        },
    ],
});

registry.category("web_tour.tours").add("tower_add_server", {
    url: "/odoo/cetmix_tower_servers",
    steps: () => [
        openApp(),
        {
            content: "Add a server",
            trigger: ".o_control_panel .o-kanban-button-new, .o_control_panel .o_list_button_add",
            run: "click",
        },
        edit("name", () => input().name),
        edit("ip_v4_address", () => input().address),
        edit("ssh_port", () => String(input().port)),
        edit("ssh_username", () => input().user),
        {
            content: "Log in with a key",
            trigger: "div[name=ssh_auth_mode] input[data-value=k]",
            run: "click",
        },
        {
            content: "Choose the key",
            trigger: "div[name=ssh_key_id] input",
            run: (helpers) => helpers.edit(input().key),
        },
        {
            content: "Take it from the list",
            trigger: ".o-autocomplete--dropdown-item:contains(Tour key)",
            run: "click",
        },
        { content: "Save", trigger: ".o_form_button_save", run: "click" },
        { content: "Get the host's key", trigger: "button[name=action_show_host_key]", run: "click" },
        {
            content: "It is the fingerprint the host itself prints",
            trigger: ".modal div[name=fingerprint]",
            run: ({ anchor }) => {
                if (!anchor.innerText.includes(input().fingerprint)) {
                    throw new Error(`${anchor.innerText} is not ${input().fingerprint}`);
                }
            },
        },
        { content: "Accept it", trigger: ".modal button[name=action_insert_host_key]", run: "click" },
        { content: "It is stored", trigger: ".o_form_view div[name=host_key_fingerprint]:contains(SHA256)" },
    ],
});

registry.category("web_tour.tours").add("tower_watch_live", {
    url: "/odoo/cetmix_tower_servers",
    steps: () => [
        openApp(),
        ...runOnTwoServers("Tour counting"),
        ...openRunOn("Tour one"),
        consoleStateIs("running"),
        consoleShows("count 1", "Output arrives while the command runs"),
        consoleShows("count 20", "It can be watched to the end"),
        consoleStateIs("done"),
        { content: "The exit code is shown", trigger: ".o_tower_console_exit:contains(Exit code 0)" },
    ],
});

registry.category("web_tour.tours").add("tower_stop", {
    url: "/odoo/cetmix_tower_servers",
    steps: () => [
        openApp(),
        ...runOnTwoServers("Tour endless"),
        ...openRunOn("Tour one"),
        consoleShows("going on"),
        { content: "Stop it", trigger: ".o_tower_console_stop", run: "click" },
        { content: "Yes, stop it", trigger: ".modal .btn-danger", run: "click" },
        consoleStateIs("stopped"),
        { content: "It says who stopped it", trigger: ".o_tower_console_stop_text:contains(Stopped by)" },
        ...openLog(),
        { content: "Look for runs that go on", trigger: ".o_searchview_input", run: "fill Tour one" },
        { content: "Search", trigger: ".o_searchview_autocomplete .o-dropdown-item", run: "click" },
        {
            content: "The stopped run is in the log",
            trigger: ".o_data_row:contains(Stopped):contains(Tour one)",
        },
    ],
});

registry.category("web_tour.tours").add("tower_health_and_logs", {
    url: "/odoo/cetmix_tower_health",
    steps: () => [
        {
            content: "The page names what needs a look first",
            trigger: ".o_tower_health_tile:first[data-check=servers][data-status=error]:contains(Tour host)",
        },
        { content: "It says what to do", trigger: ".o_tower_health_tile:contains(Test Connection)" },
        {
            content: "Open the list behind it",
            trigger: ".o_tower_health_tile[data-check=servers]",
            run: "click",
        },
        { content: "Open the server", trigger: ".o_data_row .o_data_cell:contains(Tour host)", run: "click" },
        { content: "Go to its logs", trigger: ".o_form_view a[name=server_logs]", run: "click" },
        { content: "Fetch them all", trigger: "button[name=action_update_server_logs]", run: "click" },
        {
            content: "They are fetched",
            trigger: "div[name=server_log_ids] .o_data_row:contains(Tour log):contains(Fetched)",
        },
        {
            content: "Open one",
            trigger: "div[name=server_log_ids] .o_data_row:contains(Tour log) button[name=action_open_log]",
            run: "click",
        },
        {
            content: "Its text is shown, whatever it looks like",
            trigger: ".o_tower_server_log_text:contains(<b>words</b> of the host)",
        },
        { content: "In its colours", trigger: ".o_tower_server_log_text .o_tower_ansi_fg1:contains(red)" },
        { content: "Fetch it again", trigger: "button[name=action_update_log]", run: "click" },
        { content: "It is there", trigger: ".o_tower_server_log[data-state=done]" },
    ],
});

registry.category("web_tour.tours").add("tower_settings", {
    url: "/odoo/cetmix_tower_servers",
    steps: () => [
        {
            content: "Open the menu of settings",
            trigger: ".o_main_navbar .o_menu_sections [data-menu-xmlid='cetmix_tower_server.menu_settings']",
            run: "click",
        },
        {
            content: "Open the settings",
            trigger: ".o-dropdown--menu [data-menu-xmlid='cetmix_tower_server.res_config_settings_menu']",
            run: "click",
        },
        {
            content: "The status of the vault is shown",
            trigger: "div[name=cetmix_tower_vault_status]:contains(Keys)",
        },
        {
            content: "Set a limit",
            trigger: "div[name=cetmix_tower_command_timeout] input",
            run: "edit 123",
        },
        { content: "Save", trigger: ".o_form_button_save", run: "click", expectUnloadPage: true },
        {
            content: "It is stored",
            trigger: "div[name=cetmix_tower_command_timeout] input:value(123)",
        },
    ],
});
