import { registry } from "@web/core/registry";

const CHECK = ".o_tower_jet_template_check";

registry.category("web_tour.tours").add("cetmix_tower_jet_template", {
    steps: () => [
        {
            content: "The check says that nothing creates jets",
            trigger: `${CHECK} li:contains("No action creates jets")`,
        },
        {
            content: "Its button leads to the actions",
            trigger: `${CHECK} li:first button`,
            run: "click",
        },
        {
            content: "Add the standard lifecycle",
            trigger: "button[name=action_add_standard_lifecycle]",
            run: "click",
        },
        { content: "All actions are there", trigger: ".o_data_row:contains(Destroy)" },
        {
            content: "Nothing is left to find",
            trigger: `.o_form_view:not(:has(${CHECK}))`,
        },
        {
            content: "The graph shows the lifecycle",
            trigger: ".o_tower_jet_template_lifecycle :contains(Running)",
        },
        {
            content: "Open an action",
            trigger: ".o_data_row:contains(Stop) .o_data_cell[name=name]:contains(/^Stop$/)",
            run: "click",
        },
        {
            content: "Let it pass through the state in which it begins",
            trigger: ".modal [name=state_transit_id] input",
            run: "edit Running",
        },
        { trigger: ".dropdown-item:contains(/^Running$/)", run: "click" },
        { trigger: ".modal .o_form_button_save", run: "click" },
        {
            content: "The check says so before the template is saved, and leads to the action",
            trigger: `${CHECK} li:contains("“Stop” has “Running” both") button`,
            run: "click",
        },
        {
            trigger: ".modal [name=state_transit_id] input",
            run: "edit Stopping",
        },
        { trigger: ".dropdown-item:contains(/^Stopping$/)", run: "click" },
        { trigger: ".modal .o_form_button_save", run: "click" },
        { content: "It is in order again", trigger: `.o_form_view:not(:has(${CHECK}))` },
        {
            content: "Write a line that is new",
            trigger: "[name=action_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        { trigger: ".modal [name=name] input", run: "edit Loop" },
        { trigger: ".modal [name=state_from_id] input", run: "edit Removed" },
        { trigger: ".dropdown-item:contains(/^Removed$/)", run: "click" },
        { trigger: ".modal [name=state_transit_id] input", run: "edit Removed" },
        { trigger: ".dropdown-item:contains(/^Removed$/)", run: "click" },
        { trigger: ".modal [name=state_to_id] input", run: "edit Draft" },
        { trigger: ".dropdown-item:contains(/^Draft$/)", run: "click" },
        { trigger: ".modal .o_form_button_save", run: "click" },
        {
            content: "The check leads to the new line, too",
            trigger: `${CHECK} li:contains("“Loop” has “Removed” both") button`,
            run: "click",
        },
        { trigger: ".modal [name=name] input:value(Loop)" },
        { trigger: ".modal .o_form_button_cancel", run: "click" },
        { trigger: ".o_form_button_cancel", run: "click" },
        { content: "Nothing of it was kept", trigger: `.o_form_view:not(:has(${CHECK}))` },
    ],
});
