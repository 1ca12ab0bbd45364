{
    "name": "Tower extension example",
    "summary": "The smallest addon that uses Tower's extension points; tested, not installed by anybody",
    "version": "19.0.1.0.0",
    "category": "Hidden",
    "author": "Cetmix",
    "license": "LGPL-3",
    "depends": ["cetmix_tower_server"],
    "data": ["security/ir.model.access.csv"],
    "installable": True,
}
