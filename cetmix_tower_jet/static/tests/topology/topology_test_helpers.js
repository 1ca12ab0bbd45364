/** A jet as `get_topology` returns it. */
export function jetDocument(id, values = {}) {
    return {
        id,
        name: `Jet ${id}`,
        reference: `jet_${id}`,
        server_id: 1,
        template: "Shop",
        state: "Running",
        state_reference: "running",
        color: 10,
        movement: "idle",
        busy_text: "",
        problem: "",
        unmet_text: "",
        hidden_needs: 0,
        hidden_needs_unmet: false,
        hidden_serves: 0,
        marks: [],
        ...values,
    };
}

/** A link: jet `from` needs jet `to`. */
export function linkDocument(from, to, values = {}) {
    return {
        id: from * 1000 + to,
        jet_id: from,
        needs_id: to,
        template: "Database",
        state: "Running",
        is_unmet: false,
        ...values,
    };
}

/** All that `get_topology` returns. */
export function topologyDocument(values = {}) {
    const jets = values.jets || [jetDocument(1, { name: "Shop" }), jetDocument(2, { name: "Database" })];
    return {
        jets,
        servers: [
            { id: 1, name: "Host A" },
            { id: 2, name: "Host B" },
        ],
        links: [linkDocument(1, 2)],
        missing: [],
        total: jets.length,
        limit: 500,
        choices: {
            servers: [
                { id: 1, name: "Host A", count: 2 },
                { id: 2, name: "Host B", count: 1 },
            ],
            jet_templates: [{ id: 5, name: "Shop", count: 2 }],
            tags: [],
            partners: [],
        },
        ...values,
    };
}
