import { registry } from "@web/core/registry";
import { openApp } from "./steps";

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
