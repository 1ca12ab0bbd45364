import { registry } from "@web/core/registry";
import { consoleShows, consoleStateIs, openApp, openLog, openRunOn, runOnTwoServers } from "./steps";

// `tower_run_and_find` runs Python commands and needs no host: see tests/screens/test_tours.py. The others run on real hosts and
// are watched live: see tests/acceptance/test_browser.py.

registry.category("web_tour.tours").add("tower_run_and_find", {
    url: "/odoo/cetmix_tower_servers",
    steps: () => [
        openApp(),
        ...runOnTwoServers("Tour greeting", "python_code"),
        ...openRunOn("Tour one"),
        consoleStateIs("done"),
        consoleShows("a word from Tour one"),
        { content: "Search in the output", trigger: ".o_tower_console_find", run: "click" },
        { content: "Type a word", trigger: ".o_tower_console_search input", run: "edit word" },
        { content: "It is found", trigger: ".o_tower_console_matches:contains(1 of 1)" },
        {
            content: "Copy takes all of the output, not the word that was found",
            trigger: ".o_tower_console_copy",
            run: async ({ anchor }) => {
                let copied = "";
                Object.defineProperty(navigator, "clipboard", {
                    value: { writeText: async (text) => (copied = text) },
                    configurable: true,
                });
                await anchor.click();
                if (copied.trim() !== "a word from Tour one") {
                    throw new Error(`Copied: ${copied}`);
                }
            },
        },
        { content: "Use the whole window", trigger: ".o_tower_console_enlarge", run: "click" },
        { content: "And back", trigger: ".o_tower_console_large .o_tower_console_enlarge", run: "click" },
        { content: "See what was run", trigger: ".o_notebook a[name=code].active" },
        { content: "Run it again", trigger: "button[name=action_run_again]", run: "click" },
        {
            content: "It is asked, and names what runs where",
            trigger: ".modal:contains(Run “Tour greeting” on Tour one again) .btn-primary",
            run: "click",
        },
        // Both runs are over before their forms are there.
        { content: "The form is that of a run that has ended", trigger: "button[name=action_run_again]" },
        consoleStateIs("done"),
        ...openLog(),
        { content: "The log knows all three runs", trigger: ".o_list_view .o_data_row:nth-child(3)" },
    ],
});

registry.category("web_tour.tours").add("tower_watch_live", {
    url: "/odoo/cetmix_tower_servers",
    steps: () => [
        openApp(),
        ...runOnTwoServers("Tour counting"),
        ...openRunOn("Tour one"),
        consoleStateIs("running"),
        consoleShows("count 1", "Output arrives while the command runs"),
        consoleShows("count 20", "It can be watched to the end"),
        consoleStateIs("done"),
        { content: "The exit code is shown", trigger: ".o_tower_console_exit:contains(Exit code 0)" },
    ],
});

registry.category("web_tour.tours").add("tower_stop", {
    url: "/odoo/cetmix_tower_servers",
    steps: () => [
        openApp(),
        ...runOnTwoServers("Tour endless"),
        ...openRunOn("Tour one"),
        consoleShows("going on"),
        { content: "Stop it", trigger: ".o_tower_console_stop", run: "click" },
        { content: "Yes, stop it", trigger: ".modal .btn-danger", run: "click" },
        consoleStateIs("stopped"),
        { content: "It says who stopped it", trigger: ".o_tower_console_stop_text:contains(Stopped by)" },
        ...openLog(),
        { content: "Look for runs that go on", trigger: ".o_searchview_input", run: "fill Tour one" },
        { content: "Search", trigger: ".o_searchview_autocomplete .o-dropdown-item", run: "click" },
        {
            content: "The stopped run is in the log",
            trigger: ".o_data_row:contains(Stopped):contains(Tour one)",
        },
    ],
});
