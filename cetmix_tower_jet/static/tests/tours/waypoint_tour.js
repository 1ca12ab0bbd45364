import { registry } from "@web/core/registry";

const CARD = ".o_kanban_record:contains(Tour jet)";
const tab = {
    content: "Open the waypoints",
    trigger: ".o_notebook .nav-link:contains(Waypoints)",
    run: "click",
};

/**
 * What people do with waypoints on the form of a jet.
 *
 * @param {string} rowClass of a waypoint there: a row, or a card on a phone
 */
function makeSteps(rowClass) {
    const row = (name, state = "") =>
        `[name=waypoint_ids] ${rowClass}:contains(${name}):contains(${state || name})`;
    const press = (name, movement) => ({
        content: `Press ${movement} of ${name}`,
        trigger: `${row(name)} button[data-movement=${movement}]`,
        run: "click",
    });
    const confirm = (label) => ({
        content: `Confirm: ${label}`,
        trigger: `.modal-footer .btn:contains(${label})`,
        run: "click",
    });
    const isIn = (name, state) => ({ content: `${name} is ${state}`, trigger: row(name, state) });
    const create = (name, button) => [
        { trigger: "button[name=action_new_waypoint]", run: "click" },
        { trigger: ".modal [name=name] input", run: `edit ${name}` },
        {
            content: "The only type is chosen",
            trigger: ".modal [name=waypoint_template_id] input:value(Tour backup)",
        },
        { trigger: `.modal-footer button:contains(${button})`, run: "click" },
        { trigger: "body:not(:has(.modal))" },
    ];
    return { row, press, confirm, isIn, create };
}

const openJet = [{ content: "Open the jet", trigger: `${CARD} .fw-bold`, run: "click" }, tab];

function createPrepareFlyAndDelete(rowClass) {
    const { row, press, confirm, isIn, create } = makeSteps(rowClass);
    return [
        ...openJet,
        ...create("Tour first", "Create"),
        isIn("Tour first", "Draft"),
        press("Tour first", "prepare"),
        {
            content: "The question says what will run, and starts at Cancel",
            trigger: ".modal-body:contains(“Tour backup plan” runs on “Tour jet”)",
            run() {
                if (!document.activeElement.textContent.includes("Cancel")) {
                    throw new Error("The space bar must not start anything.");
                }
            },
        },
        { trigger: ".modal-footer .btn-primary:contains(Prepare)", run: "click" },
        isIn("Tour first", "Ready"),
        press("Tour first", "flight"),
        confirm("Fly here"),
        isIn("Tour first", "Current"),
        {
            content: "The form says where the jet is",
            trigger: "[name=waypoint_shown_id]:contains(Tour first)",
        },
        press("Tour first", "delete"),
        {
            content: "It cannot be deleted, and says why",
            trigger: ".o_notification:contains(Fly to another waypoint first)",
        },
        press("Tour broken", "reset"),
        confirm("Reset"),
        isIn("Tour broken", "Draft"),
        press("Tour broken", "delete"),
        confirm("Delete"),
        {
            content: "It is gone",
            trigger: `[name=waypoint_ids]:not(:has(${rowClass}:contains(Tour broken)))`,
        },
        ...create("Tour second", "Create and Prepare"),
        isIn("Tour second", "Ready"),
        {
            content: "Open it",
            trigger: `${row("Tour second")}${rowClass === ".o_data_row" ? " [name=name]" : ""}`,
            run: "click",
        },
        {
            content: "Its form has its history",
            trigger: ".o_form_view [name=movement_ids]:contains(Prepare waypoint)",
        },
        { content: "And the run of its plan", trigger: ".o_form_view .o_tower_plan[data-state=done]" },
        {
            trigger:
                ".o_form_view header button[data-movement=delete], .o_form_view .o_statusbar_buttons button[data-movement=delete], .o_form_view .o-dropdown--menu button[data-movement=delete]",
            run: "click",
        },
        confirm("Delete"),
        {
            content: "Its form is left when it is gone",
            trigger: ".o_form_view [name=waypoint_ids], .o_kanban_view",
        },
    ];
}

const focus = (selector) => ({
    trigger: selector,
    run() {
        this.anchor.focus();
    },
});
const pressKey = (key) => ({ trigger: "body", run: `press ${key}` });

/** The same without a mouse. */
function withKeys() {
    const button = (movement) =>
        `[name=waypoint_ids] .o_data_row:contains(Tour keys) button[data-movement=${movement}]`;
    return [
        ...openJet,
        focus(button("prepare")),
        pressKey("Enter"),
        { trigger: ".modal-footer .btn-secondary:focus" },
        pressKey("Enter"),
        { content: "Enter alone changes nothing", trigger: `body:not(:has(.modal)) ${button("prepare")}` },
        focus(button("prepare")),
        pressKey("Enter"),
        focus(".modal-footer .btn-primary"),
        pressKey("Enter"),
        focus(`${button("flight")}:not([aria-disabled])`),
        pressKey("Enter"),
        focus(".modal-footer .o_tower_fly"),
        pressKey("Enter"),
        {
            content: "The jet is there",
            trigger: "[name=waypoint_ids] .o_data_row:contains(Tour keys):contains(Current)",
        },
    ];
}

const tours = registry.category("web_tour.tours");
tours.add("cetmix_tower_jet_waypoints", { steps: () => createPrepareFlyAndDelete(".o_data_row") });
tours.add("cetmix_tower_jet_waypoints_phone", { steps: () => createPrepareFlyAndDelete(".o_kanban_record") });
tours.add("cetmix_tower_jet_waypoints_keys", { steps: withKeys });
