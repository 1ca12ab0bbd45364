import { registry } from "@web/core/registry";

const ROW = ".o_tower_dry_run_server";

registry.category("web_tour.tours").add("tower_dry_run", {
    steps: () => [
        {
            content: "Open the flight plan",
            trigger: ".o_data_row td:contains(Tour dry plan)",
            run: "click",
        },
        { content: "Ask for a dry run", trigger: "button[name=action_dry_run]", run: "click" },
        {
            content: "Nothing runs from here, and it asks where",
            trigger: ".modal:not(:has(button[name=run_flight_plan])) div[name=server_ids] input",
            run: "edit Tour dry ready",
        },
        {
            content: "Choose the first server",
            trigger: ".o-autocomplete--dropdown-item:contains(Tour dry ready)",
            run: "click",
        },
        {
            content: "Look for the second one",
            trigger: ".modal div[name=server_ids] input",
            run: "edit Tour dry broken",
        },
        {
            content: "Choose it",
            trigger: ".o-autocomplete--dropdown-item:contains(Tour dry broken)",
            run: "click",
        },
        {
            content: "Look what would happen there",
            trigger: ".modal:has(.o_tag:contains(Tour dry broken)) button[name=action_dry_run]",
            run: "click",
        },
        {
            content: "One server is ready, one is not",
            trigger: ".o_tower_dry_run_summary:contains(1 of 2 servers are ready)",
        },
        {
            content: "The one with problems comes first, and is open",
            trigger: `${ROW}:first-child[data-reference=tour_dry_broken] [data-kind=value_missing]:contains(tour_dry_value)`,
        },
        {
            content: "Its line has a problem",
            trigger: `${ROW}:first-child [data-outcome=problem][data-number='1']`,
        },
        { content: "Only problems", trigger: ".o_tower_dry_run_filter", run: "click" },
        {
            content: "The ready one is gone",
            trigger: `.o_tower_dry_run_servers:not(:has([data-ok=true]))`,
        },
        { content: "All again", trigger: ".o_tower_dry_run_filter", run: "click" },
        {
            content: "Fold the ready one",
            trigger: `${ROW}[data-ok=true] .o_tower_dry_run_toggle[aria-expanded=true]`,
            run: "click",
        },
        {
            content: "Unfold it again",
            trigger: `${ROW}[data-ok=true] .o_tower_dry_run_toggle[aria-expanded=false]`,
            run: "click",
        },
        {
            content: "A line is skipped, with the reason",
            trigger: `${ROW}[data-ok=true] [data-number='2'][data-outcome=skip] .o_tower_dry_run_why:contains(false)`,
        },
        {
            content: "Unfold the code of a line",
            trigger: `${ROW}[data-ok=true] [data-number='1'] summary`,
            run: "click",
        },
        {
            content: "It has the server's value in it",
            trigger: `${ROW}[data-ok=true] [data-number='1'] pre:contains(one and only)`,
        },
        { content: "Show all code", trigger: ".o_tower_dry_run_code", run: "click" },
        {
            content: "The line of the plan inside is decided later",
            trigger: `${ROW}[data-ok=true] [data-number='3.1'][data-outcome=later] details[open] pre:contains(last word)`,
        },
        { content: "Copy it", trigger: ".o_tower_dry_run_copy", run: "click" },
        {
            content: "It was copied, or can be",
            trigger: ".o_notification:contains(copied), textarea.o_tower_dry_run_text",
        },
        { content: "Run it where it is ready", trigger: ".o_tower_dry_run_run", run: "click" },
        {
            content: "The wizard has the ready server and the plan",
            trigger: ".modal div[name=server_ids]:contains(Tour dry ready):not(:contains(Tour dry broken))",
        },
        {
            content: "From there to the report",
            trigger: ".modal button[name=action_dry_run]",
            run: "click",
        },
        {
            content: "About this server only",
            trigger: ".o_tower_dry_run_summary:contains(The server is ready)",
        },
    ],
});
