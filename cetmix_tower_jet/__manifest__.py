{
    "name": "Cetmix Tower Jet",
    "summary": "Applications with a lifecycle on the servers of Tower: states, actions, dependencies",
    "version": "19.0.1.0.0",
    "category": "Productivity",
    "author": "Cetmix",
    "license": "LGPL-3",
    "depends": ["cetmix_tower_server"],
    "data": [
        "security/ir.model.access.csv",
        "data/cx_tower_jet_state.xml",
        "data/names_of_scripts.xml",
    ],
    "application": True,
}
