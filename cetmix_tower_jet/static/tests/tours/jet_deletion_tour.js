import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");
const ask = [
    { trigger: ".o_form_view .o_cp_action_menus .dropdown-toggle:has(.fa-cog)", run: "click" },
    { content: "Delete the jet", trigger: ".o-dropdown-item:contains(/^Delete$/)", run: "click" },
    {
        content: "The dialog says what would run for which waypoint",
        trigger: ".modal [name=explanation] li:contains(“Tour plan”, for “Tour backup”)",
    },
    { content: "And what the deletion takes along", trigger: ".modal [name=effects]:contains(Waypoints)" },
];

tours.add("cetmix_tower_jet_delete_with_waypoints", {
    steps: () => [
        ...ask,
        { trigger: ".modal button[name=action_delete_with_waypoints]", run: "click" },
        { content: "The dialog is closed", trigger: "body:not(:has(.modal)) .o_form_view" },
    ],
});

tours.add("cetmix_tower_jet_delete_leaving_waypoints", {
    steps: () => [
        ...ask,
        { trigger: ".modal button[name=action_delete_leaving_waypoints]", run: "click" },
        {
            content: "Leaving something on a host is asked once more",
            trigger: ".modal:contains(Tower no longer knows about it) button:contains(Delete and Leave)",
            run: "click",
        },
        { content: "The board is shown", trigger: ".o_kanban_view:not(:contains(Tour jet))" },
    ],
});
