import { registry } from "@web/core/registry";

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
