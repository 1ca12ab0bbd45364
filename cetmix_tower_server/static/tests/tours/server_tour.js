import { registry } from "@web/core/registry";
import { edit, input, openApp } from "./steps";

/** On real hosts: see tests/acceptance/test_browser.py. */
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
