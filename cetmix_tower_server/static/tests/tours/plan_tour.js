import { registry } from "@web/core/registry";
import { consoleShows, consoleStateIs, openApp, sleepUntil } from "./steps";

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
