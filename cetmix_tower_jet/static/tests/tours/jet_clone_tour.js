import { registry } from "@web/core/registry";

const CARD = ".o_kanban_record:contains(Tour jet)";

function checkWidth() {
    if (document.documentElement.scrollWidth > window.innerWidth) {
        throw new Error("The page is wider than the screen.");
    }
}

/** From the menu of the card, by mouse, with the choices that the wizard offers. */
const cloneFromTheBoard = [
    { trigger: CARD, run: "hover && click .o_kanban_record:contains(Tour jet) .o_dropdown_kanban button" },
    { content: "Clone it", trigger: ".dropdown-item[name=action_open_clone_wizard]", run: "click" },
    {
        content: "The wizard says what will happen",
        trigger: ".modal [name=explanation]:contains(Clone, with the flight plan “Tour clone”)",
        run: checkWidth,
    },
    { trigger: ".modal [name=same_server] label:contains(Another one)", run: "click" },
    { trigger: ".modal [name=explanation]:contains(on Second)" },
    { trigger: ".modal [name=same_server] label:contains(Its own)", run: "click" },
    { trigger: ".modal [name=explanation]:contains(on Tour)" },
    { trigger: ".modal [name=name_type] label:contains(Enter a name)", run: "click" },
    { trigger: ".modal [name=name] input", run: "edit Tour copy" },
    { content: "Leave the field", trigger: ".modal [name=note] textarea", run: "click" },
    { trigger: ".modal [name=explanation]:contains(Tour copy)" },
    { content: "Clone", trigger: ".modal button[name=action_confirm]", run: "click" },
    {
        content: "The clone is opened, and has reached the state of its original",
        trigger:
            ".o_form_view [name=jet_cloned_from_id]:contains(Tour jet), .o_form_view [name=jet_cloned_from_id] input:value(Tour jet)",
    },
];

/** From the Action menu of the form, by keys. */
const transferFromTheForm = [
    { content: "Back to the board", trigger: ".o_back_button", run: "click" },
    { trigger: `${CARD} .fw-bold`, run: "click" },
    { trigger: ".o_form_view:not(:has([name=jet_cloned_from_id])) .o_cp_action_menus" },
    { trigger: ".o_cp_action_menus button:has(.fa-cog)", run: "click" },
    { trigger: ".o_menu_item:contains(Transfer)", run: "click" },
    {
        content: "The wizard says what will happen",
        trigger: ".modal [name=explanation]:contains(The switch)",
        run: checkWidth,
    },
    { content: "Transfer by key", trigger: ".modal [name=destroy_original] input", run: "press alt+q" },
    {
        content: "The transfer is opened and shows its steps",
        trigger: ".o_form_view [name=transition_ids]:contains(Clone of Tour jet)",
    },
    { trigger: ".o_form_view button[name=action_destroy_original]", run: checkWidth },
];

registry.category("web_tour.tours").add("cetmix_tower_jet_clone", { steps: () => cloneFromTheBoard });
registry.category("web_tour.tours").add("cetmix_tower_jet_transfer", {
    steps: () => [...cloneFromTheBoard, ...transferFromTheForm],
});
