import { registry } from "@web/core/registry";

/** An operator's one click: from the card of a server, and from its form. */
registry.category("web_tour.tours").add("tower_shortcut", {
    url: "/odoo/cetmix_tower_servers",
    steps: () => [
        {
            content: "Open the menu of the card",
            trigger: ".o_kanban_record:contains(Tour server)",
            run: "hover && click .o_kanban_record:contains(Tour server) .o_dropdown_kanban button",
        },
        {
            content: "Press the shortcut",
            trigger: ".o_tower_shortcut_menu .dropdown-item:contains(Tour shortcut)",
            run: "click",
        },
        {
            content: "It says what will run where",
            trigger: ".modal:contains(Tour server):contains(Tour shortcut)",
        },
        { content: "Run it", trigger: ".modal .btn-primary:contains(Run)", run: "click" },
        {
            content: "It was started, and there is a way to watch it",
            trigger: ".o_notification:contains(was started) a:contains(Watch it)",
        },
        { content: "Put that away", trigger: ".o_notification_close", run: "click" },
        {
            content: "Open the server",
            trigger: ".o_kanban_record:contains(Tour server)",
            run: "click",
        },
        { content: "See its shortcuts", trigger: ".nav-link[name=shortcuts]", run: "click" },
        {
            content: "Press the shortcut here",
            trigger: "div[name=shortcut_ids] .o_data_row:contains(Tour shortcut) button[name=action_run]",
            run: "click",
        },
        { content: "Yes", trigger: ".modal .btn-primary:contains(Run)", run: "click" },
        {
            content: "It was started again",
            trigger: ".o_notification:contains(was started)",
        },
    ],
});
