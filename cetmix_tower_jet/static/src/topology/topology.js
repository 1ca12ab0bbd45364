import {
    Component,
    markRaw,
    onMounted,
    onWillStart,
    onWillUnmount,
    useEffect,
    useRef,
    useState,
} from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { SelectMenu } from "@web/core/select_menu/select_menu";
import { useService } from "@web/core/utils/hooks";
import { useSetupAction } from "@web/search/action_hook";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { TowerGraph } from "../graph/tower_graph";
import { useJetNews } from "../jet/jet_news";
import { jetOfNode, nodeOfJet, TopologyData } from "./topology_data";
import { TopologyLegend } from "./topology_legend";

// Only changed jets are read, so they can be read soon.
const PAUSES = { firstDelay: 50, minPause: 250 };
const MAX_CHANGED = 200; // more changed jets at once: everything is read again
const FILTERS = {
    servers: "server_id",
    jet_templates: "jet_template_id",
    tags: "tag_ids",
    partners: "partner_id",
};

const toIds = (text) =>
    String(text || "")
        .split(",")
        .map(Number)
        .filter((id) => Number.isInteger(id) && id > 0);

/** The topology of all jets: servers, the jets on them and what these depend on, always up to date. */
export class Topology extends Component {
    static template = "cetmix_tower_jet.Topology";
    static components = { Layout, SelectMenu, TopologyLegend, TowerGraph };
    static props = { ...standardActionServiceProps };
    static path = "cetmix_tower_topology";
    static displayName = _t("Topology");

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.ui = useService("ui");
        this.root = useRef("root");
        this.search = useRef("search");
        this.display = { controlPanel: {} };
        this.data = new TopologyData();
        this.lastRead = 0;
        const kept = this.props.globalState?.topology || {};
        const params = this.props.action.params || {};
        this.view = kept.view || null;
        this.state = useState({
            filters: Object.fromEntries(
                Object.keys(FILTERS).map((name) => [name, kept.filters?.[name] || toIds(params[name])]),
            ),
            text: kept.text ?? String(params.search || ""),
            isLegendOpen: kept.isLegendOpen ?? !this.ui.isSmall,
            areFiltersOpen: false,
            choices: {},
            total: 0,
            limit: 0,
            hint: "",
            isReady: false,
            error: "",
            graph: markRaw({ nodes: [], edges: [], clusters: [] }),
            states: markRaw([]),
        });
        this.foundAt = -1;
        useSetupAction({
            getGlobalState: () => ({
                topology: {
                    // plain values: this becomes a part of the browser's history
                    filters: Object.fromEntries(
                        Object.entries(this.state.filters).map(([name, ids]) => [name, [...ids]]),
                    ),
                    text: this.state.text,
                    isLegendOpen: this.state.isLegendOpen,
                    view: this.handle?.view() || null,
                },
            }),
        });
        onWillStart(async () => {
            await this.read();
        });
        onMounted(() => {
            if (this.state.text && !this.view) {
                this.showFound(1);
            }
        });
        onWillUnmount(() => this.lastRead++);
        useEffect(
            () => this.keepInUrl(),
            () => [JSON.stringify(this.state.filters), this.state.text],
        );
        useJetNews(
            (ids) => this.refresh(ids),
            () => this.data.busyIds,
            PAUSES,
        );
        this.setHandle = (handle) => {
            this.handle = handle;
        };
    }

    // -- reading

    /** Arguments of `get_topology`. */
    get filters() {
        return Object.fromEntries(Object.entries(this.state.filters).filter(([, ids]) => ids.length));
    }

    get hasFilters() {
        return Object.keys(this.filters).length > 0;
    }

    call(more = {}) {
        return this.orm.silent.call("cetmix.tower", "get_topology", [], { ...this.filters, ...more });
    }

    /** Reads everything. What was asked for later wins. */
    async read() {
        const current = ++this.lastRead;
        try {
            const topology = await this.call();
            if (current !== this.lastRead) {
                return;
            }
            this.data.load(topology);
            const { choices, total, limit } = topology;
            Object.assign(this.state, { choices: markRaw(choices), total, limit, error: "", isReady: true });
            this.show();
            if (!total && !this.hasFilters) {
                this.state.hint = await this.orm.silent.call("cx.tower.jet", "get_empty_hint", []);
            }
        } catch (error) {
            if (!error.data) {
                throw error;
            }
            if (current === this.lastRead) {
                Object.assign(this.state, { error: error.data.message, isReady: true });
            }
        }
    }

    /** @param {number[]|null} ids jets that have changed; null: any of them */
    async refresh(ids) {
        if (!ids || ids.length > MAX_CHANGED || this.state.error) {
            await this.read();
            return;
        }
        if (this.state.total > this.state.limit) {
            ids = ids.filter((id) => this.data.jets.has(id)); // there is no room for others
        }
        const current = this.lastRead;
        const topology = await this.call({ jets: ids });
        if (current !== this.lastRead) {
            return; // everything was read meanwhile
        }
        const before = this.data.jets.size;
        this.data.update(ids, topology);
        if (this.data.jets.size !== before) {
            await this.read(); // the numbers beside the filters have changed, too
            return;
        }
        this.show();
    }

    show() {
        const { text } = this.state;
        this.state.graph = markRaw(this.data.graph({ text }));
        const states = this.data.states();
        if (JSON.stringify(states) !== JSON.stringify(this.state.states)) {
            this.state.states = markRaw(states);
        }
    }

    // -- filters and search

    get filterMenus() {
        const labels = {
            servers: _t("Servers"),
            jet_templates: _t("Templates"),
            tags: _t("Tags"),
            partners: _t("Partners"),
        };
        return Object.entries(labels).map(([name, label]) => ({
            name,
            label,
            value: this.state.filters[name],
            choices: (this.state.choices[name] || []).map(({ id, name: text, count }) => ({
                value: id,
                label: `${text} (${count})`,
            })),
        }));
    }

    get filterCount() {
        return Object.values(this.state.filters).reduce((sum, ids) => sum + ids.length, 0);
    }

    /** A new value moves the view to the start of the graph. */
    get viewKey() {
        return JSON.stringify(this.state.filters);
    }

    setFilter(name, ids) {
        this.state.filters[name] = [...ids];
        return this.read();
    }

    resetFilters() {
        Object.keys(this.state.filters).forEach((name) => (this.state.filters[name] = []));
        return this.read();
    }

    onSearch(ev) {
        this.state.text = ev.target.value;
        this.foundAt = -1;
        browser.clearTimeout(this.searchTimer);
        this.searchTimer = browser.setTimeout(() => {
            this.show();
            this.showFound(1);
        }, 150);
    }

    onSearchKeydown(ev) {
        if (ev.key === "Enter") {
            ev.preventDefault();
            this.showFound(ev.shiftKey ? -1 : 1);
        } else if (ev.key === "Escape" && this.state.text) {
            this.clearSearch();
        } else if (ev.key === "ArrowDown") {
            ev.preventDefault();
            const found = this.found[Math.max(0, this.foundAt)];
            if (found) {
                this.handle?.show(nodeOfJet(found.id), true);
            }
        }
    }

    clearSearch() {
        this.state.text = "";
        this.foundAt = -1;
        this.show();
        this.search.el?.focus();
    }

    get found() {
        return this.data.find(this.state.text);
    }

    get foundText() {
        const { length } = this.found;
        if (!length) {
            return _t("Not found");
        }
        return this.foundAt < 0
            ? String(length)
            : _t("%(number)s of %(count)s", { number: this.foundAt + 1, count: length });
    }

    /** Moves to the next of the jets that were found, or the one before. */
    showFound(step) {
        const { found } = this;
        if (found.length) {
            this.foundAt = (this.foundAt + step + found.length) % found.length;
            this.handle?.show(nodeOfJet(found[this.foundAt].id));
            this.render();
        }
    }

    keepInUrl() {
        const ids = Object.entries(this.state.filters).map(([name, list]) => [
            name,
            list.join(",") || undefined,
        ]);
        this.props.updateActionState?.({
            ...Object.fromEntries(ids),
            search: this.state.text.trim() || undefined,
        });
    }

    // -- what leads elsewhere

    openJet(nodeId) {
        const id = jetOfNode(nodeId);
        if (id) {
            this.action.doAction({
                type: "ir.actions.act_window",
                res_model: "cx.tower.jet",
                res_id: id,
                views: [[false, "form"]],
            });
        }
    }

    get listDomain() {
        return Object.entries(this.filters).map(([name, ids]) => [FILTERS[name], "in", [...ids]]);
    }

    openList() {
        this.action.doAction({
            type: "ir.actions.act_window",
            name: _t("Jets"),
            res_model: "cx.tower.jet",
            domain: this.listDomain,
            views: [
                [false, "list"],
                [false, "kanban"],
                [false, "form"],
            ],
        });
    }

    launch() {
        this.action.doAction("cetmix_tower_jet.action_cx_tower_jet_create");
    }
}

registry.category("actions").add("cetmix_tower_topology", Topology);
