import { _t } from "@web/core/l10n/translation";

export const START = "start";
export const END = "end";
const STATE = "state_";
const ACTION = "action_";
const ERROR = "error_";

/**
 * @param {string} edgeId of an edge of `lifecycleGraph`
 * @returns {number|null} id of the action that the edge stands for
 */
export function actionOfEdge(edgeId) {
    return edgeId.startsWith(ACTION) ? Number(edgeId.slice(ACTION.length)) : null;
}

/** States in which a jet rests: actions begin or end there. The others are only passed through. */
function restingStates({ states, actions, state_id }) {
    const ids = actions.flatMap((action) => [
        action.state_from_id,
        action.state_to_id,
        action.state_error_id,
    ]);
    const used = new Set([...ids, state_id].filter(Boolean));
    return states.filter((state) => used.has(state.id));
}

function edgeOf(action, states, isOfJet) {
    const transit = states.get(action.state_transit_id);
    return {
        id: `${ACTION}${action.id}`,
        from: action.state_from_id ? `${STATE}${action.state_from_id}` : START,
        to: action.state_to_id ? `${STATE}${action.state_to_id}` : END,
        label: action.name,
        title: transit
            ? _t("%(action)s: the jet is “%(state)s” meanwhile", { action: action.name, state: transit.name })
            : action.name,
        isClickable: Boolean(action.is_available),
        isActive: Boolean(action.is_running),
        isMuted: isOfJet && !action.is_available && !action.is_running,
    };
}

/** Where an action leads when it fails, unless the jet stays where it was. */
function errorEdgeOf(action) {
    return {
        id: `${ERROR}${action.id}`,
        from: action.state_from_id ? `${STATE}${action.state_from_id}` : START,
        to: `${STATE}${action.state_error_id}`,
        title: _t("If “%s” fails", action.name),
        kind: "error",
        isMuted: false,
    };
}

/**
 * Turns the lifecycle of a jet, or of a template, into the nodes and edges of a `TowerGraph`.
 *
 * What changes while a jet lives (current state, running and available actions) changes no id and no label, so the picture
 * stays as it is. The one exception is a jet in a state that no action begins or ends with: this state gets a node.
 *
 * @param {Object} lifecycle as `get_lifecycle_graph` of a jet or template returns it
 * @param {{id: number, name: string, color: number}[]} lifecycle.states
 * @param {Object[]} lifecycle.actions with `id`, `name`, `state_from_id`, `state_transit_id`, `state_to_id`, `state_error_id`,
 *   `is_available`, `is_running`
 * @param {number|false} [lifecycle.state_id] where the jet is
 * @param {number|false} [lifecycle.transit_state_id] what the jet passes through right now
 * @param {{isOfJet?: boolean}} [options] isOfJet: actions that are not available are muted
 * @returns {{nodes: Object[], edges: Object[], clusters: Object[]}}
 */
export function lifecycleGraph(lifecycle, { isOfJet = false } = {}) {
    const { states, actions, state_id: current, transit_state_id: transit } = lifecycle;
    const byId = new Map(states.map((state) => [state.id, state]));
    const running = actions.find((action) => action.is_running);
    const isBusy = Boolean(running || transit);
    const goal = running ? running.state_to_id : false;
    const nodes = restingStates(lifecycle).map((state) => ({
        id: `${STATE}${state.id}`,
        label: state.name,
        color: state.color || 0,
        isCurrent: state.id === current && !isBusy,
        isBusy: isBusy && state.id === goal,
    }));
    const dot = (id, title) => ({ id, label: "", title, isDot: true });
    if (actions.some((action) => !action.state_from_id)) {
        const isCurrent = isOfJet && !current && !isBusy;
        nodes.unshift({ ...dot(START, _t("Start: the jet has no state yet")), isCurrent });
    }
    if (actions.some((action) => !action.state_to_id)) {
        nodes.push(dot(END, _t("End: the jet has no state any more")));
    }
    const hasErrorState = (action) => action.state_error_id && action.state_error_id !== action.state_from_id;
    const edges = [
        ...actions.map((action) => edgeOf(action, byId, isOfJet)),
        ...actions.filter(hasErrorState).map(errorEdgeOf),
    ];
    return { nodes, edges, clusters: [] };
}
