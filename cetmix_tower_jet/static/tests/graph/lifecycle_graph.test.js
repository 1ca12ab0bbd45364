import { actionOfEdge, END, lifecycleGraph, START } from "@cetmix_tower_jet/graph/lifecycle_graph";
import { standardLifecycle, stateId } from "./graph_test_helpers";
import { beforeEach, describe, expect, test } from "@odoo/hoot";
import { allowTranslations } from "@web/../tests/web_test_helpers";

describe.current.tags("headless");
beforeEach(allowTranslations);

const find = (list, id) => list.find((one) => one.id === id);

test("resting states are nodes, actions are edges, and no state is a dot", () => {
    const { nodes, edges } = lifecycleGraph(standardLifecycle());
    expect(nodes.map((node) => node.label)).toEqual(["", "Draft", "Stopped", "Running", "Removed", ""]);
    expect(nodes.filter((node) => node.isDot).map((node) => node.id)).toEqual([START, END]);
    const names = new Map(nodes.map((node) => [node.id, node.label || node.id]));
    const actions = edges.filter((edge) => edge.kind !== "error");
    expect(actions.map((edge) => [names.get(edge.from), edge.label, names.get(edge.to)])).toEqual([
        ["start", "Prepare", "Draft"],
        ["Draft", "Build", "Stopped"],
        ["Stopped", "Start", "Running"],
        ["Running", "Stop", "Stopped"],
        ["Running", "Restart", "Running"],
        ["Stopped", "Remove", "Removed"],
        ["Removed", "Destroy", "end"],
    ]);
});

test("an error state that is not the state before has an edge of its own", () => {
    const { edges } = lifecycleGraph(standardLifecycle({}, { Stop: { state_error_id: stateId("running") } }));
    const errors = edges.filter((edge) => edge.kind === "error");
    expect(errors.map((edge) => edge.title)).toEqual(["If “Restart” fails"]);
    expect(actionOfEdge(errors[0].id)).toBe(null);
});

test("the current state is lit, only available actions can be clicked, the others are muted", () => {
    const lifecycle = standardLifecycle({ state_id: stateId("stopped") }, { Start: { is_available: true } });
    const { nodes, edges } = lifecycleGraph(lifecycle, { isOfJet: true });
    expect(nodes.filter((node) => node.isCurrent).map((node) => node.label)).toEqual(["Stopped"]);
    const clickable = edges.filter((edge) => edge.isClickable);
    expect(clickable.map((edge) => edge.label)).toEqual(["Start"]);
    expect(actionOfEdge(clickable[0].id)).toBe(3);
    expect(edges.filter((edge) => edge.isMuted)).toHaveLength(6);
});

test("nothing of a template is muted or current", () => {
    const { nodes, edges } = lifecycleGraph(standardLifecycle());
    expect([...nodes, ...edges].some((one) => one.isMuted || one.isCurrent)).toBe(false);
});

test("a running action is active, its goal is busy, and no state is current", () => {
    const values = { state_id: stateId("stopped"), transit_state_id: stateId("starting") };
    const { nodes, edges } = lifecycleGraph(standardLifecycle(values, { Start: { is_running: true } }), {
        isOfJet: true,
    });
    expect(edges.filter((edge) => edge.isActive).map((edge) => edge.label)).toEqual(["Start"]);
    expect(edges.find((edge) => edge.isActive).isMuted).toBe(false);
    expect(nodes.filter((node) => node.isBusy).map((node) => node.label)).toEqual(["Running"]);
    expect(nodes.some((node) => node.isCurrent)).toBe(false);
});

test("a state that no action begins or ends with is shown while it is the current one", () => {
    const { nodes } = lifecycleGraph(standardLifecycle({ state_id: stateId("building") }), { isOfJet: true });
    expect(find(nodes, `state_${stateId("building")}`).isCurrent).toBe(true);
});

test("a new jet is at the start", () => {
    const { nodes } = lifecycleGraph(standardLifecycle(), { isOfJet: true });
    expect(nodes.filter((node) => node.isCurrent).map((node) => node.id)).toEqual([START]);
});

test("nothing at all is an empty graph", () => {
    const { nodes, edges } = lifecycleGraph({
        states: [],
        actions: [],
        state_id: false,
        transit_state_id: false,
    });
    expect([nodes, edges]).toEqual([[], []]);
});
