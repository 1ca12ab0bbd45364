import { registry } from "@web/core/registry";

const select = (name) => ({
    content: `Select ${name}`,
    trigger: `.o_data_row:contains(${name}) .o_list_record_selector input`,
    run: "click",
});
const compare = [
    {
        content: "Open the Action menu",
        trigger: ".o_cp_action_menus .dropdown-toggle:has(.fa-cog)",
        run: "click",
    },
    { trigger: ".o-dropdown-item:contains(Compare)", run: "click" },
];
const close = [
    { content: "Close", trigger: ".modal-footer .btn-secondary:contains(Close)", run: "click" },
    { content: "The dialog is closed", trigger: "body:not(:has(.modal))" },
];

/** Two waypoints are selected in a list; there are no check boxes on a phone. */
const compareInList = [
    select("Tour first"),
    ...compare,
    {
        content: "It is compared with the jet as it is now",
        trigger: ".modal [role=columnheader]:contains(“Tour jet” now)",
    },
    { trigger: ".modal [data-key=tour_edition] .o_tower_diff_right:contains(old)" },
    ...close,
    select("Tour second"),
    ...compare,
    {
        content: "The older one is compared with the newer one",
        trigger: ".modal [role=columnheader]:first:contains(Tour first)",
    },
    { trigger: ".modal [data-part=metadata] [data-key=size]" },
    ...close,
    { content: "Select none", trigger: ".o_unselect_all", run: "click" },
    { trigger: "body:not(:has(.o_unselect_all))" },
];

const compareAndFlyInForm = [
    { content: "Open the first one", trigger: ".o_data_row:contains(Tour first) .o_data_cell", run: "click" },
    { trigger: ".o_form_view" },
    ...compare,
    {
        content: "The form compares with now, too",
        trigger: ".modal [data-key=tour_edition] .o_tower_diff_right:contains(old)",
    },
    ...close,
    { content: "Fly", trigger: "button[name=action_ask_to_fly]", run: "click" },
    {
        content: "The question shows what will change",
        trigger: ".modal [data-key=tour_edition] .o_tower_diff_left:contains(new)",
        run() {
            if (!document.activeElement.textContent.includes("Cancel")) {
                throw new Error("The space bar must not start anything.");
            }
            const { scrollWidth, clientWidth } = document.querySelector(".modal .modal-body");
            if (scrollWidth > clientWidth) {
                throw new Error("The comparison is wider than the dialog.");
            }
        },
    },
    { content: "Fly here", trigger: ".modal .o_tower_fly", run: "click" },
    {
        content: "The form shows that the jet is there",
        trigger: ".o_field_widget[name=state]:contains(Current)",
    },
    { content: "Fly again", trigger: "button[name=action_ask_to_fly]", run: "click" },
    {
        content: "The reason stands in place of the button",
        trigger: ".modal .o_tower_flight_refusal:contains(already)",
        run() {
            if (document.querySelector(".modal .o_tower_fly")) {
                throw new Error("There must be no button.");
            }
        },
    },
    ...close,
];

registry.category("web_tour.tours").add("cetmix_tower_jet_waypoint_comparison", {
    steps: () => [...compareInList, ...compareAndFlyInForm],
});

registry.category("web_tour.tours").add("cetmix_tower_jet_waypoint_comparison_phone", {
    steps: () => compareAndFlyInForm,
});
