import { registry } from "@web/core/registry";

const CARD = ".o_kanban_record:contains(Tour jet)";
const NOW = ".o_tower_jet_lifecycle .o_tower_graph_node.o_current";
const confirm = (label) => `.modal .modal-footer .btn-primary:contains(${label})`;
const tab = (name) => ({
    content: `Open the tab ${name}`,
    trigger: `.o_notebook .nav-link:contains(${name})`,
    run: "click",
});

/** What everybody does: an action on the board, one on the form's graph, and a look at the history. */
const moveAndLook = [
    {
        content: "Press Start on the card",
        trigger: `${CARD} [data-action]:contains(Start)`,
        run: "click",
    },
    {
        content: "The question says what will happen",
        trigger: ".modal-body:contains(takes “Tour jet” from “Stopped” to “Running”)",
        run() {
            if (!document.activeElement.textContent.includes("Cancel")) {
                throw new Error("The space bar must not start anything.");
            }
        },
    },
    { content: "Start it", trigger: confirm("Start"), run: "click" },
    {
        content: "The card is in the column of running jets",
        trigger: `.o_kanban_group:has(.o_column_title:contains(Running)) ${CARD}`,
    },
    { content: "Open the jet", trigger: `${CARD} .fw-bold`, run: "click" },
    { content: "The run of its action is shown", trigger: ".o_form_view .o_tower_plan[data-state=done]" },
    { content: "The graph shows where the jet is", trigger: `${NOW}:contains(Running)` },
    {
        content: "Press Stop in the graph",
        trigger: ".o_tower_graph_label.o_clickable:contains(/^Stop/)",
        run() {
            this.anchor.dispatchEvent(new MouseEvent("click", { bubbles: true }));
        },
    },
    { content: "Stop it", trigger: confirm("Stop"), run: "click" },
    { content: "The jet is stopped", trigger: `${NOW}:contains(Stopped)` },
    tab("History"),
    {
        content: "The history has both actions",
        trigger: "[name=transition_ids]:contains(Start):contains(Stop)",
    },
];

const correctAndBring = [
    tab("States and Actions"),
    {
        content: "Correct the state",
        trigger: "button[name=action_open_correct_wizard]",
        run: "click",
    },
    { trigger: ".modal [name=state_id] input", run: "click" },
    { trigger: ".o_select_menu_item:contains(Draft)", run: "click" },
    { trigger: ".modal [name=reason] input", run: "edit Wiped by hand" },
    { trigger: ".modal button[name=action_confirm]", run: "click" },
    { content: "It is corrected", trigger: `${NOW}:contains(Draft)` },
    {
        content: "Show the states that it can be brought to",
        trigger: "[name=show_available_states] input:not(:checked)",
        run: "click",
    },
    { content: "Choose Running", trigger: "[data-state=running]", run: "click" },
    {
        content: "The question shows the whole way",
        trigger: ".modal-body:contains(“Build” takes):contains(“Start” takes)",
    },
    { trigger: confirm("Bring to Running"), run: "click" },
    { content: "It is running", trigger: `${NOW}:contains(Running)` },
];

const onlyForUsers = [
    {
        content: "Users see no tabs of Managers",
        trigger: ".o_notebook:not(:contains(Dependencies)):not(:contains(Access))",
    },
];

const tours = registry.category("web_tour.tours");
tours.add("cetmix_tower_jet_user", { steps: () => [...moveAndLook, ...onlyForUsers] });
tours.add("cetmix_tower_jet_manager", { steps: () => [...moveAndLook, ...correctAndBring] });
