import { Component, useState, xml } from "@odoo/owl";
import { TowerGraph } from "@cetmix_tower_jet/graph/tower_graph";
import { mountWithCleanup, patchWithCleanup } from "@web/../tests/web_test_helpers";

/**
 * Shows a graph in a box of a given size.
 *
 * @returns {Promise<{props: Object, layouts: Object[]}>} `props` can be changed; `layouts` are the structures laid out so far
 */
export async function mountGraph(props, { width = 1000, height } = {}) {
    const layouts = [];
    const layOut = TowerGraph.layOut;
    patchWithCleanup(TowerGraph, {
        layOut(library, structure, known) {
            layouts.push(structure);
            return layOut(library, structure, known);
        },
    });
    let shown;
    class Parent extends Component {
        static components = { TowerGraph };
        static template = xml`<div t-att-style="style"><TowerGraph t-props="props"/></div>`;
        static props = ["*"];
        setup() {
            this.style = `width: ${width}px${height ? `; height: ${height}px` : ""}`;
            this.props = useState(props);
            shown = this.props;
        }
    }
    await mountWithCleanup(Parent);
    return { props: shown, layouts };
}

const STATES = [
    "preparing",
    "draft",
    "building",
    "stopped",
    "starting",
    "running",
    "stopping",
    "restarting",
    "removing",
    "removed",
    "destroying",
];
const ACTIONS = [
    ["Prepare", "", "preparing", "draft"],
    ["Build", "draft", "building", "stopped"],
    ["Start", "stopped", "starting", "running"],
    ["Stop", "running", "stopping", "stopped"],
    ["Restart", "running", "restarting", "running", "stopped"],
    ["Remove", "stopped", "removing", "removed"],
    ["Destroy", "removed", "destroying", ""],
];

export const stateId = (reference) => STATES.indexOf(reference) + 1 || false;

/** The usual lifecycle, as a jet or template returns it. */
export function standardLifecycle(values = {}, actionValues = {}) {
    return {
        states: STATES.map((reference, index) => ({
            id: index + 1,
            name: reference[0].toUpperCase() + reference.slice(1),
            reference,
            color: (index + 1) % 12,
        })),
        actions: ACTIONS.map(([name, from, transit, to, error], index) => ({
            id: index + 1,
            name,
            state_from_id: stateId(from),
            state_transit_id: stateId(transit),
            state_to_id: stateId(to),
            state_error_id: stateId(error || ""),
            is_available: false,
            is_running: false,
            access_level: "1",
            ...actionValues[name],
        })),
        state_id: false,
        transit_state_id: false,
        ...values,
    };
}

/** Jets on servers: most edges stay on one server. */
export function topology(serverCount, jetCount, edgeCount) {
    let seed = 1;
    const random = (limit) => {
        seed = (seed * 1103515245 + 12345) % 2147483648;
        return Math.floor((seed / 2147483648) * limit);
    };
    const perServer = Math.ceil(jetCount / serverCount);
    const server = (jet) => Math.floor(jet / perServer);
    const nodes = Array.from({ length: jetCount }, (_item, index) => ({
        id: `jet${index}`,
        label: `Application ${index}`,
        sublabel: index % 3 ? "Running" : "Stopped",
        color: index % 12,
        cluster: `server${server(index)}`,
    }));
    const edges = Array.from({ length: edgeCount }, (_item, index) => {
        const from = random(jetCount);
        const isNear = random(100) < 75;
        const other = isNear ? server(from) * perServer + random(perServer) : random(jetCount);
        const to = Math.min(jetCount - 1, other === from ? (from + 1) % jetCount : other);
        return { id: `edge${index}`, from: `jet${Math.min(from, to)}`, to: `jet${Math.max(from, to)}` };
    });
    const clusters = Array.from({ length: serverCount }, (_item, index) => ({
        id: `server${index}`,
        label: `Server ${index}`,
    }));
    return { nodes, edges: edges.filter((edge) => edge.from !== edge.to), clusters };
}
