import { registry } from "@web/core/registry";

const DIFF = ".o_tower_diff";

registry.category("web_tour.tours").add("tower_file_push_with_diff", {
    steps: () => [
        { content: "Open Tower", trigger: ".o_web_client .o_main_navbar" },
        {
            content: "Open the menu of files",
            trigger: ".o_main_navbar .o_menu_sections [data-menu-xmlid='cetmix_tower_server.menu_files']",
            run: "click",
        },
        {
            content: "Open the files",
            trigger: ".o-dropdown--menu [data-menu-xmlid='cetmix_tower_server.cx_tower_file_menu']",
            run: "click",
        },
        { content: "Open the file", trigger: ".o_data_cell[name=name]:contains(tour.conf)", run: "click" },
        { content: "Look at what a push does", trigger: ".nav-link[name=compare]", run: "click" },
        { content: "Nothing is known yet", trigger: `${DIFF}[data-state=unknown]` },
        { content: "Compare", trigger: ".o_tower_diff_compare:not(:disabled)", run: "click" },
        { content: "It differs", trigger: `${DIFF}[data-state=differs]` },
        { content: "What is there", trigger: ".o_tower_diff_changed .o_tower_diff_left:contains(port = 80)" },
        {
            content: "What a push brings",
            trigger: ".o_tower_diff_changed .o_tower_diff_right:contains(port = 8080)",
        },
        {
            content: "The secret is shown by name",
            trigger: ".o_tower_diff_rows:contains(*** tour_token ***):not(:contains(tour hush))",
        },
        { content: "Push, with one click", trigger: ".o_tower_diff_push:not(:disabled)", run: "click" },
        { content: "Now it is the same", trigger: `${DIFF}[data-state=same]` },
        { content: "It was transferred", trigger: ".o_field_widget[name=sync_state]:contains(Transferred)" },
    ],
});
