import { jetOfNode, nodeOfJet, TopologyData } from "@cetmix_tower_jet/topology/topology_data";
import { jetDocument, linkDocument, topologyDocument } from "./topology_test_helpers";
import { beforeEach, describe, expect, test } from "@odoo/hoot";
import { allowTranslations } from "@web/../tests/web_test_helpers";

describe.current.tags("headless");
beforeEach(allowTranslations);

function loaded(values) {
    const data = new TopologyData();
    data.load(topologyDocument(values));
    return data;
}
const find = (list, id) => list.find((one) => one.id === id);

test("jets are nodes on the clusters of their servers, and dependencies lead to what is needed", () => {
    const { nodes, edges, clusters } = loaded().graph();
    expect(nodes.map((node) => [node.id, node.label, node.sublabel, node.cluster])).toEqual([
        ["jet_2", "Database", "Running", 1],
        ["jet_1", "Shop", "Running", 1],
    ]);
    expect(edges.map((edge) => [edge.from, edge.to, edge.kind])).toEqual([["jet_1", "jet_2", "normal"]]);
    expect(clusters).toEqual([{ id: 1, label: "Host A" }]); // the other server has no jets
    expect([jetOfNode("jet_1"), jetOfNode("needs_1"), nodeOfJet(2)]).toEqual([1, null, "jet_2"]);
});

test("a busy jet, one that needs attention, and marks of others", () => {
    const jets = [
        jetDocument(1, { movement: "busy", busy_text: "Start, by Anna" }),
        jetDocument(2, { movement: "problem", problem: "Line 3 failed" }),
        jetDocument(3, { unmet_text: "Database: Stopped instead of Running" }),
        jetDocument(4, { marks: [{ id: "waypoint", icon: "W", text: "Before the update" }] }),
    ];
    const { nodes } = loaded({ jets, links: [] }).graph();
    expect(find(nodes, "jet_1").isBusy).toBe(true);
    expect(find(nodes, "jet_1").title).toMatch(/by Anna/);
    expect(find(nodes, "jet_2").marks).toEqual([
        { id: "problem", icon: "×", text: "Line 3 failed", kind: "error" },
    ]);
    expect(find(nodes, "jet_3").warning).toBe("Database: Stopped instead of Running");
    expect(find(nodes, "jet_4").marks).toEqual([
        { id: "waypoint", icon: "W", text: "Before the update", kind: "info" },
    ]);
});

test("an unmet dependency says what it is in instead", () => {
    const jets = [jetDocument(1), jetDocument(2, { state: "Stopped" })];
    const { edges } = loaded({ jets, links: [linkDocument(1, 2, { is_unmet: true })] }).graph();
    expect(edges[0].kind).toBe("unmet");
    expect(edges[0].title).toBe("“Jet 1” needs “Jet 2” in state “Running”, but it is in “Stopped”");
});

test("what is missing, and what the person may not see, are stubs without names", () => {
    const jets = [
        jetDocument(1, { hidden_needs: 1, hidden_needs_unmet: true }),
        jetDocument(2, { hidden_serves: 3 }),
    ];
    const missing = [
        { jet_id: 1, dependency_id: 7, template: "Database", state: "Running", is_unmet: true },
        { jet_id: 2, dependency_id: 8, template: "Mail", state: "Running", is_unmet: false },
    ];
    const { nodes, edges } = loaded({ jets, links: [], missing }).graph();
    expect(
        nodes.filter((node) => node.isStub).map((node) => [node.label, node.sublabel, node.title]),
    ).toEqual([
        ["Database", "Missing", "“Jet 1” needs a jet of “Database” in state “Running”, and there is none"],
        ["Mail", "None yet", "“Jet 2” will need a jet of “Mail” in state “Running”"],
        ["Hidden", false, "A jet that you cannot see"],
        ["3 hidden", false, "3 jets that you cannot see"],
    ]);
    expect(edges.map((edge) => [edge.from, edge.to, edge.kind])).toEqual([
        ["jet_1", "missing_1_7", "unmet"],
        ["jet_2", "missing_2_8", "hidden"],
        ["jet_1", "needs_1", "unmet"],
        ["serves_2", "jet_2", "hidden"],
    ]);
});

test("a link to a jet that is not shown is left out until that jet comes", () => {
    const data = loaded({ links: [linkDocument(1, 3)] });
    expect(data.graph().edges).toEqual([]);
    data.update([3], { jets: [jetDocument(3)], servers: [], links: [linkDocument(1, 3)], missing: [] });
    expect(data.graph().edges).toHaveLength(1);
});

test("changed jets replace their nodes and links; all others stay the same objects", () => {
    const jets = [1, 2, 3].map((id) => jetDocument(id));
    const data = loaded({ jets, links: [linkDocument(1, 2), linkDocument(3, 2)] });
    const before = data.graph();
    data.update([1], {
        jets: [jetDocument(1, { state: "Stopped", color: 1 })],
        servers: [],
        links: [linkDocument(1, 2, { is_unmet: true })],
        missing: [],
    });
    const after = data.graph();
    expect(find(after.nodes, "jet_1").sublabel).toBe("Stopped");
    for (const id of ["jet_2", "jet_3"]) {
        expect(find(after.nodes, id)).toBe(find(before.nodes, id));
    }
    expect(find(after.edges, "link_3002")).toBe(find(before.edges, "link_3002"));
    expect(find(after.edges, "link_1002").kind).toBe("unmet");
    expect(after.clusters[0]).toBe(before.clusters[0]);
    const order = ({ nodes, edges }) => [...nodes, ...edges].map((one) => one.id);
    expect(order(after)).toEqual(order(before)); // otherwise the layout would be computed again
});

test("reading everything again changes nothing where nothing has changed", () => {
    const jets = [jetDocument(1, { hidden_serves: 1 }), jetDocument(2)];
    const missing = [{ jet_id: 1, dependency_id: 7, template: "Mail", state: "Running", is_unmet: true }];
    const data = loaded({ jets, missing });
    const before = data.graph();
    data.load(JSON.parse(JSON.stringify(topologyDocument({ jets, missing }))));
    const after = data.graph();
    for (const name of ["nodes", "edges", "clusters"]) {
        expect(after[name].every((one, index) => one === before[name][index])).toBe(true);
    }
});

test("a jet that does not come back is gone, with its links and what it lacked", () => {
    const missing = [{ jet_id: 1, dependency_id: 7, template: "Mail", state: "Running", is_unmet: true }];
    const data = loaded({ missing });
    data.update([1], { jets: [], servers: [], links: [], missing: [] });
    const { nodes, edges } = data.graph();
    expect(nodes.map((node) => node.id)).toEqual(["jet_2"]);
    expect(edges).toEqual([]);
});

test("searching finds names, references, templates and states, and mutes the others", () => {
    const data = loaded();
    expect(data.find("DATA").map((jet) => jet.id)).toEqual([2]);
    expect(data.find("jet_1").map((jet) => jet.id)).toEqual([1]);
    expect(data.find("running").map((jet) => jet.id)).toEqual([2, 1]);
    expect(data.find("  ")).toEqual([]);
    const { nodes } = data.graph({ text: "data" });
    expect(nodes.map((node) => [node.id, node.isFound, node.isMuted])).toEqual([
        ["jet_2", true, false],
        ["jet_1", false, true],
    ]);
});

test("states are counted, the most frequent first", () => {
    const jets = [jetDocument(1), jetDocument(2), jetDocument(3, { state: "", color: 0 })];
    expect(loaded({ jets, links: [] }).states()).toEqual([
        { name: "Running", color: 10, count: 2 },
        { name: "No state", color: 0, count: 1 },
    ]);
});
