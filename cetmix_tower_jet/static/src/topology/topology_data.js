/* The jets on the screen, and the nodes, edges and clusters that show them. No DOM, no requests. */
import { _t } from "@web/core/l10n/translation";

const NODE_WIDTH = 168;
const STUB_WIDTH = 120;

const jetKey = (id) => `jet_${id}`;
const byName = (one, other) => one.name.localeCompare(other.name) || one.id - other.id;

/** The values of a map in the order of its keys: what is read again keeps its place, and so the layout stays. */
const inOrder = (map) => [...map].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, value]) => value);

function isSame(one, other) {
    const keys = Object.keys(one);
    return (
        keys.length === Object.keys(other).length &&
        keys.every(
            (key) => one[key] === other[key] || JSON.stringify(one[key]) === JSON.stringify(other[key]),
        )
    );
}

/** Gives out the object that was given out before, as long as its values are the same. */
class Keeper {
    constructor() {
        this.before = new Map();
    }

    keep(list) {
        const now = new Map();
        for (const one of list) {
            const known = this.before.get(one.id);
            now.set(one.id, known && isSame(known, one) ? known : one);
        }
        this.before = now;
        return [...now.values()];
    }
}

function marksOf(jet) {
    const marks = [];
    if (jet.movement === "problem") {
        const text = jet.problem || _t("Its last action did not succeed.");
        marks.push({ id: "problem", icon: "×", text, kind: "error" });
    }
    return [...marks, ...jet.marks.map(({ id, icon, text }) => ({ id, icon, text, kind: "info" }))];
}

/** @returns {string} what a stub for jets says that the person may not read */
function hiddenText(count) {
    return count === 1 ? _t("A jet that you cannot see") : _t("%s jets that you cannot see", count);
}

export class TopologyData {
    constructor() {
        this.nodes = new Keeper();
        this.edges = new Keeper();
        this.clusters = new Keeper();
        this.clear();
    }

    clear() {
        this.jets = new Map();
        this.servers = new Map();
        this.links = new Map();
        this.missing = new Map();
    }

    /** @param {Object} topology as `get_topology` returns it: all that is to be shown */
    load(topology) {
        this.clear();
        this.add(topology);
    }

    /**
     * Takes changed jets.
     *
     * @param {number[]} ids jets that were asked for
     * @param {Object} topology those of them that are still to be shown
     */
    update(ids, topology) {
        const asked = new Set(ids);
        ids.forEach((id) => this.jets.delete(id));
        for (const [key, link] of this.links) {
            if (asked.has(link.jet_id) || asked.has(link.needs_id)) {
                this.links.delete(key);
            }
        }
        for (const [key, one] of this.missing) {
            if (asked.has(one.jet_id)) {
                this.missing.delete(key);
            }
        }
        this.add(topology);
    }

    add({ jets, servers, links, missing }) {
        jets.forEach((jet) => this.jets.set(jet.id, jet));
        servers.forEach((server) => this.servers.set(server.id, server));
        links.forEach((link) => this.links.set(link.id, link));
        missing.forEach((one) => this.missing.set(`${one.jet_id}_${one.dependency_id}`, one));
    }

    get busyIds() {
        return [...this.jets.values()].filter((jet) => jet.movement === "busy").map((jet) => jet.id);
    }

    /**
     * @param {string} text
     * @returns {Object[]} jets whose name, reference, template or state contains the text, by name; none for an empty text
     */
    find(text) {
        const wanted = text.trim().toLowerCase();
        if (!wanted) {
            return [];
        }
        const contains = (jet) =>
            [jet.name, jet.reference, jet.template, jet.state].some((one) =>
                one.toLowerCase().includes(wanted),
            );
        return [...this.jets.values()].filter(contains).sort(byName);
    }

    /** The states of the jets, with the number of jets in each. */
    states() {
        const states = new Map();
        for (const { state, color } of this.jets.values()) {
            const known = states.get(state) || { name: state || _t("No state"), color, count: 0 };
            known.count++;
            states.set(state, known);
        }
        return [...states.values()].sort((one, other) => other.count - one.count);
    }

    /**
     * What a `TowerGraph` shows. Objects whose values have not changed are the same as the last time.
     *
     * @param {{text?: string, currentId?: number}} [options] text: jets that do not contain it are muted
     * @returns {{nodes: Object[], edges: Object[], clusters: Object[]}}
     */
    graph({ text = "", currentId } = {}) {
        const found = text.trim() ? new Set(this.find(text).map((jet) => jet.id)) : null;
        const jets = [...this.jets.values()].sort(byName);
        const used = new Set(jets.map((jet) => jet.server_id));
        const stubs = this.stubs(jets);
        return {
            nodes: this.nodes.keep([
                ...jets.map((jet) => this.node(jet, found, currentId)),
                ...stubs.map(({ node }) => node),
            ]),
            edges: this.edges.keep([
                ...inOrder(this.links).flatMap((link) => this.edge(link)),
                ...stubs.map(({ edge }) => edge),
            ]),
            clusters: this.clusters.keep(
                [...this.servers.values()]
                    .filter((server) => used.has(server.id))
                    .sort(byName)
                    .map(({ id, name }) => ({ id, label: name })),
            ),
        };
    }

    node(jet, found, currentId) {
        const server = this.servers.get(jet.server_id)?.name || "";
        const lines = [jet.name, _t("%(template)s on %(server)s", { template: jet.template, server })];
        return {
            id: jetKey(jet.id),
            label: jet.name,
            sublabel: jet.state || _t("No state"),
            name: lines.join(", "),
            title: [...lines, jet.busy_text].filter(Boolean).join("\n"),
            color: jet.color,
            cluster: jet.server_id,
            width: NODE_WIDTH,
            isBusy: jet.movement === "busy",
            isMuted: Boolean(found) && !found.has(jet.id),
            isFound: Boolean(found) && found.has(jet.id),
            isCurrent: jet.id === currentId,
            warning: jet.unmet_text || false,
            marks: marksOf(jet),
        };
    }

    edge(link) {
        const [jet, other] = [this.jets.get(link.jet_id), this.jets.get(link.needs_id)];
        if (!jet || !other) {
            return [];
        }
        const words = {
            jet: jet.name,
            other: other.name,
            state: link.state,
            now: other.state || _t("No state"),
        };
        let title = link.state
            ? _t("“%(jet)s” needs “%(other)s” in state “%(state)s”", words)
            : _t("“%(jet)s” needs “%(other)s”", words);
        if (link.is_unmet) {
            title = _t("“%(jet)s” needs “%(other)s” in state “%(state)s”, but it is in “%(now)s”", words);
        }
        return [
            {
                id: `link_${link.id}`,
                from: jetKey(link.jet_id),
                to: jetKey(link.needs_id),
                title,
                kind: link.is_unmet ? "unmet" : "normal",
            },
        ];
    }

    /** What stands for jets that are not there, and for those that the person may not read: a node and an edge each. */
    stubs(jets) {
        const stubs = inOrder(this.missing).flatMap((one) => this.missingStub(one));
        for (const jet of jets) {
            if (jet.hidden_needs) {
                stubs.push(this.hiddenStub(jet, jet.hidden_needs, true));
            }
            if (jet.hidden_serves) {
                stubs.push(this.hiddenStub(jet, jet.hidden_serves, false));
            }
        }
        return stubs;
    }

    /** It is there whether the jet is needed now or not, so that a new state moves nothing. */
    missingStub({ jet_id, dependency_id, template, state, is_unmet }) {
        const jet = this.jets.get(jet_id);
        if (!jet) {
            return [];
        }
        const id = `missing_${jet_id}_${dependency_id}`;
        const words = { jet: jet.name, template, state };
        const title = is_unmet
            ? _t("“%(jet)s” needs a jet of “%(template)s” in state “%(state)s”, and there is none", words)
            : _t("“%(jet)s” will need a jet of “%(template)s” in state “%(state)s”", words);
        const node = this.stub(id, jet, template, is_unmet ? _t("Missing") : _t("None yet"), title);
        const kind = is_unmet ? "unmet" : "hidden";
        return [{ node, edge: { id, from: jetKey(jet_id), to: id, title, kind } }];
    }

    hiddenStub(jet, count, isNeeded) {
        const id = `${isNeeded ? "needs" : "serves"}_${jet.id}`;
        const title = hiddenText(count);
        const label = count === 1 ? _t("Hidden") : _t("%s hidden", count);
        const [from, to] = isNeeded ? [jetKey(jet.id), id] : [id, jetKey(jet.id)];
        const kind = isNeeded && jet.hidden_needs_unmet ? "unmet" : "hidden";
        return { node: this.stub(id, jet, label, false, title), edge: { id, from, to, title, kind } };
    }

    stub(id, jet, label, sublabel, title) {
        const values = { label, sublabel, title, name: title, cluster: jet.server_id };
        return { id, ...values, width: STUB_WIDTH, isStub: true };
    }
}

/**
 * @param {string} nodeId of a node of `TopologyData.graph`
 * @returns {number|null} id of the jet that the node stands for
 */
export function jetOfNode(nodeId) {
    return nodeId.startsWith("jet_") ? Number(nodeId.slice(4)) : null;
}

/** @returns {string} id of the node that stands for a jet */
export function nodeOfJet(id) {
    return jetKey(id);
}
