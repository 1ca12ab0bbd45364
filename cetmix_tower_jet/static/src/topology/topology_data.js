/* The jets on the screen, and the nodes, edges and clusters that show them. No DOM, no requests. */
import { _t } from "@web/core/l10n/translation";

const NODE_WIDTH = 168;
const STUB_WIDTH = 120;

const jetKey = (id) => `jet_${id}`;
const byName = (one, other) => one.name.localeCompare(other.name) || one.id - other.id;

/** The values of a map in the order of its keys: what is read again keeps its place, and so the layout stays. */
const inOrder = (map) => [...map].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, value]) => value);

/** Adds documents to a map. One that is equal to the one that was known before is that same object. */
function take(map, before, documents, keyOf) {
    for (const one of documents) {
        const known = before.get(keyOf(one));
        map.set(keyOf(one), known && JSON.stringify(known) === JSON.stringify(one) ? known : one);
    }
}

/** Makes something of a document, once as long as what else it is made of stays the same. */
class Memo {
    constructor() {
        this.known = new WeakMap();
    }

    get(document, others, make) {
        let found = this.known.get(document);
        if (!found || found.others.some((one, index) => one !== others[index])) {
            found = { others, made: make() };
            this.known.set(document, found);
        }
        return found.made;
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
        this.nodes = new Memo();
        this.edges = new Memo();
        this.missingStubs = new Memo();
        this.hiddenStubs = new Memo();
        this.clusters = new Memo();
        this.clear();
    }

    clear() {
        this.jets = new Map();
        this.servers = new Map();
        this.links = new Map();
        this.missing = new Map();
    }

    get maps() {
        return { jets: this.jets, servers: this.servers, links: this.links, missing: this.missing };
    }

    /** @param {Object} topology as `get_topology` returns it: all that is to be shown */
    load(topology) {
        const before = this.maps;
        this.clear();
        this.add(topology, before);
    }

    /**
     * Takes changed jets.
     *
     * @param {number[]} ids jets that were asked for
     * @param {Object} topology those of them that are still to be shown
     */
    update(ids, topology) {
        const asked = new Set(ids);
        const before = this.maps;
        const without = (map, isGone) => new Map([...map].filter(([, one]) => !isGone(one)));
        this.jets = without(this.jets, (jet) => asked.has(jet.id));
        this.links = without(this.links, (link) => asked.has(link.jet_id) || asked.has(link.needs_id));
        this.missing = without(this.missing, (one) => asked.has(one.jet_id));
        this.add(topology, before);
    }

    add({ jets, servers, links, missing }, before) {
        take(this.jets, before.jets, jets, (jet) => jet.id);
        take(this.servers, before.servers, servers, (server) => server.id);
        take(this.links, before.links, links, (link) => link.id);
        take(this.missing, before.missing, missing, (one) => `${one.jet_id}_${one.dependency_id}`);
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
            nodes: [
                ...jets.map((jet) => this.node(jet, found ? found.has(jet.id) : null, jet.id === currentId)),
                ...stubs.map(({ node }) => node),
            ],
            edges: [
                ...inOrder(this.links).flatMap((link) => this.edge(link)),
                ...stubs.map(({ edge }) => edge),
            ],
            clusters: [...this.servers.values()]
                .filter((server) => used.has(server.id))
                .sort(byName)
                .map((server) =>
                    this.clusters.get(server, [], () => ({ id: server.id, label: server.name })),
                ),
        };
    }

    node(jet, isFound, isCurrent) {
        const server = this.servers.get(jet.server_id)?.name || "";
        return this.nodes.get(jet, [server, isFound, isCurrent], () =>
            this.makeNode(jet, server, isFound, isCurrent),
        );
    }

    makeNode(jet, server, isFound, isCurrent) {
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
            isMuted: isFound === false,
            isFound: isFound === true,
            isCurrent,
            warning: jet.unmet_text || false,
            marks: marksOf(jet),
        };
    }

    edge(link) {
        const [jet, other] = [this.jets.get(link.jet_id), this.jets.get(link.needs_id)];
        if (!jet || !other) {
            return [];
        }
        const now = link.is_unmet ? other.state : ""; // only then is it told
        return [this.edges.get(link, [jet.name, other.name, now], () => this.makeEdge(link, jet, other))];
    }

    makeEdge(link, jet, other) {
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
        return {
            id: `link_${link.id}`,
            from: jetKey(link.jet_id),
            to: jetKey(link.needs_id),
            title,
            kind: link.is_unmet ? "unmet" : "normal",
        };
    }

    /** What stands for jets that are not there, and for those that the person may not read: a node and an edge each. */
    stubs(jets) {
        const missing = inOrder(this.missing).flatMap((one) => {
            const jet = this.jets.get(one.jet_id);
            return jet ? [this.missingStubs.get(one, [jet], () => this.missingStub(one, jet))] : [];
        });
        const hidden = jets.flatMap((jet) => this.hiddenStubs.get(jet, [], () => this.hiddenStubsOf(jet)));
        return [...missing, ...hidden];
    }

    /** It is there whether the jet is needed now or not, so that a new state moves nothing. */
    missingStub({ dependency_id, template, state, is_unmet }, jet) {
        const id = `missing_${jet.id}_${dependency_id}`;
        const words = { jet: jet.name, template, state };
        const title = is_unmet
            ? _t("“%(jet)s” needs a jet of “%(template)s” in state “%(state)s”, and there is none", words)
            : _t("“%(jet)s” will need a jet of “%(template)s” in state “%(state)s”", words);
        const node = this.stub(id, jet, template, is_unmet ? _t("Missing") : _t("None yet"), title);
        const kind = is_unmet ? "unmet" : "hidden";
        return { node, edge: { id, from: jetKey(jet.id), to: id, title, kind } };
    }

    hiddenStubsOf(jet) {
        const counts = [
            [jet.hidden_needs, true],
            [jet.hidden_serves, false],
        ];
        return counts
            .filter(([count]) => count)
            .map(([count, isNeeded]) => this.hiddenStub(jet, count, isNeeded));
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
