"""Maps the parts of a frozen definition to the fields that show them, to name changes in words people know."""

# (model, part): (model, field), for parts whose field has another name or belongs to another model.
PARTS = {
    ("cx.tower.plan", "on_error"): ("cx.tower.plan", "on_error_action"),
    ("cx.tower.plan.line", "name"): ("cx.tower.plan.line", "command_id"),
    ("cx.tower.plan.line", "action"): ("cx.tower.command", "action"),
    ("cx.tower.plan.line", "code"): ("cx.tower.command", "code"),
    ("cx.tower.plan.line", "command_path"): ("cx.tower.command", "path"),
    ("cx.tower.plan.line", "flight_plan_id"): ("cx.tower.command", "flight_plan_id"),
    ("cx.tower.plan.line", "settings.attempts"): ("cx.tower.command.log", "attempts_total"),
    ("cx.tower.plan.line", "file.template"): ("cx.tower.command", "file_template_id"),
    ("cx.tower.plan.line", "file.name"): ("cx.tower.file.template", "file_name"),
    ("cx.tower.plan.line", "file.directory"): ("cx.tower.file.template", "server_dir"),
    ("cx.tower.plan.line", "file.if_exists"): ("cx.tower.command", "if_file_exists"),
    ("cx.tower.plan.line", "file.disconnect"): ("cx.tower.command", "disconnect_file"),
    ("cx.tower.plan.line", "actions"): ("cx.tower.plan.line", "action_ids"),
}
# Prefix of parts in a nested dictionary: model of their fields.
INSIDE = {"settings.": "cx.tower.command", "file.": "cx.tower.file.template"}


def shown_part(model, name):
    """Return (model, field) that shows a part of a definition.

    :param model: model of the plan or the line
    :param name: name of the part, see ``engine.plan.definition.FieldChange``
    """
    model, name = PARTS.get((model, name), (model, name))
    for prefix, inside in INSIDE.items():
        if name.startswith(prefix):
            return inside, name.removeprefix(prefix)
    return model, name
