import { registry } from "@web/core/registry";

/** From a template to a server that is made ready: see tests/server_template/test_tour_template.py. */
registry.category("web_tour.tours").add("tower_create_server_from_template", {
    steps: () => [
        { content: "The servers are shown", trigger: ".o_web_client .o_control_panel" },
        {
            content: "Make one from a template",
            trigger: "button[name=action_new_from_template]",
            run: "click",
        },
        {
            content: "Choose the template",
            trigger: ".modal div[name='server_template_id'] input",
            run: "edit Tour template",
        },
        {
            trigger: ".o-autocomplete--dropdown-item:contains(Tour template)",
            run: "click",
        },
        {
            content: "The template fills in how to log in",
            trigger: ".modal div[name='ssh_username'] input:value(deploy)",
        },
        {
            content: "It says what runs, and what is missing",
            trigger: ".modal div[name='missing_required_variables_message']:contains(tour_customer)",
        },
        { trigger: ".modal div[name='flight_plan_name']:contains(Tour make ready)" },
        {
            content: "Name",
            trigger: ".modal div[name='name'] input",
            run: "edit Tour made",
        },
        {
            content: "Address",
            trigger: ".modal div[name='ip_v4_address'] input",
            run: "edit 192.0.2.44",
        },
        {
            content: "Try without the values",
            trigger: ".modal button[name=action_confirm]",
            run: "click",
        },
        {
            content: "All that is missing, in one message",
            trigger: ".modal .o_error_dialog, .modal:contains(Tour template):contains(tour_edition)",
        },
        {
            trigger: ".modal:contains(Empty) .modal-footer button.btn-primary:not([name])",
            run: "click",
        },
        {
            content: "Give the customer",
            trigger: ".modal .o_data_row:contains(Tour customer) td[name=value_char]",
            run: "click",
        },
        {
            trigger: ".modal .o_data_row:contains(Tour customer) td[name=value_char] input",
            run: "edit ACME",
        },
        {
            content: "Choose the edition",
            trigger: ".modal .o_data_row:contains(Tour edition) td[name=option_id]",
            run: "click",
        },
        {
            trigger: ".modal .o_data_row:contains(Tour edition) td[name=option_id] input",
            run: "edit Large",
        },
        {
            trigger: ".o-autocomplete--dropdown-item:contains(Large)",
            run: "click",
        },
        {
            content: "Nothing is missing any more",
            trigger: ".modal:not(:has(div[name='missing_required_variables_message']:visible))",
        },
        {
            content: "Create the server",
            trigger: ".modal button[name=action_confirm]",
            run: "click",
        },
        {
            content: "The server is open",
            trigger: "body:not(:has(.modal)) .o_form_view div[name='name'] input:value(Tour made)",
        },
        {
            content: "Its configuration has the values",
            trigger: ".o_notebook_headers a[name=configuration]",
            run: "click",
        },
        { trigger: "div[name='variable_value_ids'] .o_data_row:contains(ACME)" },
        { trigger: "div[name='variable_value_ids'] .o_data_row:contains(Large)" },
        {
            content: "The flight plan after creation has run",
            trigger: "button[name=action_open_plan_logs]:contains(1)",
            run: "click",
        },
        { trigger: ".o_data_row:contains(Tour make ready)" },
    ],
});
