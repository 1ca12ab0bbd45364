import { registry } from "@web/core/registry";

const named = (name) => `.o_tower_graph_node:has(text:contains(/^${name}$/))`;
const node = (name) => `.o_tower_topology ${named(name)}`;
const click = {
    run() {
        this.anchor.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    },
};
const press = (key, values = {}) => ({
    async run() {
        document.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...values }),
        );
    },
});
const hasFocus = (name) => ({
    content: `The focus is on ${name}`,
    trigger: `${node(name)}:focus`,
});
const back = {
    content: "Go back with the breadcrumb",
    trigger: ".o_breadcrumb a:contains(Topology), .o_back_button",
    run: "click",
};

/** Everything with the mouse: what is shown, filters, search, opening a jet and coming back to the same view. */
const byMouse = [
    { content: "The shop needs a database", trigger: node("Tour shop") },
    { content: "The database is there, too", trigger: node("Tour database") },
    { content: "The dependency is not met", trigger: ".o_tower_graph_line.o_unmet .o_tower_graph_mark" },
    { content: "The shop has the mark, too", trigger: `${node("Tour shop")} [data-mark=warning]` },
    { content: "The legend counts states", trigger: ".o_tower_topology_legend [data-state=Stopped]" },
    {
        content: "Find the database",
        trigger: ".o_tower_topology_search input",
        run: "edit database",
    },
    { content: "It is the only one", trigger: ".o_tower_topology_found:contains(1 of 1)" },
    { content: "The others are muted", trigger: `${node("Tour shop")}.o_muted` },
    { content: "Open it", trigger: `${node("Tour database")}.o_found`, ...click },
    {
        content: "The form of the jet",
        trigger:
            ".o_form_view .o_field_widget[name=name]:contains(Tour database), .o_form_view .o_field_widget[name=name] input",
    },
    back,
    { content: "What was searched for is still there", trigger: `${node("Tour database")}.o_found` },
    {
        content: "The address has it, too",
        trigger: ".o_tower_topology",
        run() {
            if (new URLSearchParams(location.search).get("search") !== "database") {
                throw new Error(`The search is not in ${location.href}`);
            }
        },
    },
    { content: "Show them as a list", trigger: ".o_tower_topology_list", run: "click" },
    { content: "Both jets are in it", trigger: ".o_list_view .o_data_row:contains(Tour database)" },
    back,
    { content: "Back in the graph", trigger: node("Tour shop") },
];

const byKeyboard = [
    { content: "The graph is there", trigger: node("Tour shop") },
    {
        content: "Find the shop",
        trigger: ".o_tower_topology_search input",
        run: "edit shop",
    },
    { trigger: `${node("Tour shop")}.o_found` },
    {
        content: "Down leads to what was found",
        trigger: ".o_tower_topology_search input",
        run() {
            this.anchor.focus();
            this.anchor.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true }));
        },
    },
    hasFocus("Tour shop"),
    {
        content: "Its name says how it stands",
        trigger:
            ".o_tower_graph_node[aria-label*='Tour shop'][aria-label*=Running][aria-label*='Tour database template: Stopped instead of Running']",
        ...press("ArrowRight", { shiftKey: true }),
    },
    hasFocus("Tour database"),
    {
        content: "Back along the dependency",
        trigger: node("Tour database"),
        ...press("ArrowLeft", { shiftKey: true }),
    },
    hasFocus("Tour shop"),
    { content: "Open the shop", trigger: node("Tour shop"), ...press("Enter") },
    { content: "Its form", trigger: ".o_form_view .o_tower_jet_lifecycle" },
];

/** The same around one jet, on its form: for Managers and Root. */
const onTheForm = [
    {
        content: "Open the tab Dependencies",
        trigger: ".o_notebook .nav-link:contains(Dependencies)",
        run: "click",
    },
    {
        content: "The jet is the current one in its graph",
        trigger: `.o_tower_jet_topology ${named("Tour shop")}.o_current`,
    },
    {
        content: "Two levels",
        trigger: ".o_tower_jet_topology [data-levels='2']",
        run: "click",
    },
    { trigger: ".o_tower_jet_topology [data-levels='2'].active" },
    {
        content: "The links are in the list, too",
        trigger: "[name=jet_requires_ids]:contains(Tour database)",
    },
    {
        content: "Open the database",
        trigger: `.o_tower_jet_topology ${named("Tour database")}`,
        ...click,
    },
    {
        content: "Its form",
        trigger: ".o_last_breadcrumb_item:contains(Tour database)",
    },
];

const phone = [
    { content: "The graph is there", trigger: node("Tour shop") },
    {
        content: "Nothing is wider than the screen",
        trigger: ".o_tower_topology",
        run() {
            if (document.documentElement.scrollWidth > window.innerWidth) {
                throw new Error("The page scrolls sideways.");
            }
        },
    },
    { content: "Open the filters", trigger: ".o_tower_topology_toggle", run: "click" },
    { trigger: ".o_tower_topology_filter[data-filter=tags]" },
    { content: "Close them", trigger: ".o_tower_topology_toggle", run: "click" },
    { content: "Open the shop", trigger: node("Tour shop"), ...click },
    { content: "Its form", trigger: ".o_form_view .o_tower_jet_lifecycle" },
];

const filtered = [
    { trigger: node("Tour shop") },
    { content: "Filter by a template", trigger: "[data-filter=jet_templates] input", run: "click" },
    {
        trigger: ".o_select_menu_item:contains(Tour database template)",
        run: "click",
    },
    {
        content: "Only the database is left",
        trigger: `.o_tower_topology:not(:has(${named("Tour shop")})) ${named("Tour database")}`,
    },
    { content: "Without the filter", trigger: ".o_tower_topology_reset", run: "click" },
    { trigger: node("Tour shop") },
];

const tours = registry.category("web_tour.tours");
tours.add("cetmix_tower_topology_mouse", { steps: () => [...byMouse, ...filtered] });
tours.add("cetmix_tower_topology_keyboard", { steps: () => byKeyboard });
tours.add("cetmix_tower_topology_form", { steps: () => [...byKeyboard, ...onTheForm] });
tours.add("cetmix_tower_topology_phone", { steps: () => phone });
