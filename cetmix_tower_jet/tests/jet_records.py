"""One record of each model of jets, for tests that look at all models and screens of the addon."""

from .jet_case import STANDARD

USER_MODELS = [
    "cx.tower.jet",
    "cx.tower.jet.template",
    "cx.tower.jet.action",
    "cx.tower.jet.state",
    "cx.tower.jet.dependency",
    "cx.tower.jet.transition",
    "cx.tower.jet.transfer",
]
MANAGER_MODELS = [
    *USER_MODELS,
    "cx.tower.jet.template.dependency",
    "cx.tower.jet.template.install",
    "cx.tower.jet.template.install.line",
    "cx.tower.jet.waypoint.template",
    "cx.tower.jet.waypoint",
]


ROOT_MODELS = [*MANAGER_MODELS, "cx.tower.jet.request"]


def make_jet_records(env, server, user, manager):
    """Create a record of each model of jets; ``manager`` manages them, ``user`` uses them. Nothing is executed.

    :return: list of records, each of another model; the jet is the first
    """
    (user | manager).write({"group_ids": [(4, env.ref("base.group_user").id)]})
    roles = {"user_ids": [(4, user.id), (4, manager.id)], "manager_ids": [(4, manager.id)]}
    command = env["cx.tower.command"].create({"name": "Step", "code": "true", "access_level": "1", **roles})
    plan = env["cx.tower.plan"].create(
        {"name": "Start it", "access_level": "1", "line_ids": [(0, 0, {"command_id": command.id})], **roles}
    )
    template, database = env["cx.tower.jet.template"].create(
        [
            {
                "name": name,
                "access_level": "1",
                "action_ids": [(0, 0, values) for values in _actions(env)],
                **roles,
            }
            for name in ("Shop", "Database")
        ]
    )
    need = env["cx.tower.jet.template.dependency"].create(
        {
            "template_id": template.id,
            "template_required_id": database.id,
            "state_required_id": env.ref("cetmix_tower_jet.cx_tower_jet_state_running").id,
        }
    )
    _add_what_jets_get(env, template, command)
    [installed] = template.install_on_servers(server.ids)
    install = env["cx.tower.jet.template.install"].browse(installed["installation"])
    values = {"server_id": server.id, **roles}
    jet, served_by = env["cx.tower.jet"].create(
        [
            {"name": "Shop", "jet_template_id": template.id, **values},
            {"name": "Database", "jet_template_id": database.id, **values},
        ]
    )
    jet.jet_requires_ids.jet_depends_on_id = served_by
    stopped = env.ref("cetmix_tower_jet.cx_tower_jet_state_stopped")
    for one in (jet, served_by):
        one._set_state(stopped)
    template.action_ids.filtered(lambda action: action.name == "Restart").plan_id = plan
    transition = jet.correct_state("running", "It was started by hand.")["transition"]
    waypoint = _new_waypoint(env, jet, plan)
    return [
        jet,
        template,
        template.action_ids[:1],
        env["cx.tower.jet.state"].create({"name": "Paused", "access_level": "1"}),
        jet.jet_requires_ids[:1],
        env["cx.tower.jet.transition"].browse(transition),
        env["cx.tower.jet.transfer"].create(
            {
                "jet_name": "Shop",
                "jet_id": jet.id,
                "server_from_id": server.id,
                "level": "2",
                "state": "failed",
            }
        ),
        need,
        install,
        install.line_ids[:1],
        waypoint.waypoint_template_id,
        waypoint,
        env["cx.tower.jet.request"].create(
            {
                "server_id": server.id,
                "jet_template_id": database.id,
                "state_requested_id": stopped.id,
                "requested_by_jet_id": jet.id,
            }
        ),
    ]


def _add_what_jets_get(env, template, command):
    """Give a template what its new jets get: a file, a log, a task and a value."""
    of_template = {"name": "Screens", "jet_template_id": template.id}
    env["cx.tower.file"].create({**of_template, "server_dir": "/tmp"})
    env["cx.tower.server.log"].create({**of_template, "command_id": command.id})
    task = {"name": "Screens", "command_id": command.id, "jet_template_ids": template.ids}
    env["cx.tower.scheduled.task"].create(task)
    variable = env["cx.tower.variable"].create({"name": f"Screens {template.id}", "access_level": "1"})
    template.variable_value_ids = [(0, 0, {"variable_id": variable.id, "value_char": "1"})]


def _new_waypoint(env, jet, plan):
    """Create a waypoint that is ready, of a type whose other flight plans are all the same one."""
    plans = {f"plan_{step}_id": plan.id for step in ("arrive", "leave", "delete")}
    kind = env["cx.tower.jet.waypoint.template"].create(
        {"name": "Backup", "jet_template_id": jet.jet_template_id.id, **plans}
    )
    waypoint = env["cx.tower.jet.waypoint"].create(
        {"name": "Before the update", "jet_id": jet.id, "waypoint_template_id": kind.id, "metadata": {"a": 1}}
    )
    waypoint.prepare()
    return waypoint


def _actions(env):
    """Yield the values of the usual actions."""
    states = {state.reference: state.id for state in env["cx.tower.jet.state"].search([])} | {None: False}
    for number, (name, before, through, after, error) in enumerate(STANDARD, 1):
        yield {
            "name": name,
            "priority": number,
            "access_level": "1",
            "state_from_id": states[before],
            "state_transit_id": states[through],
            "state_to_id": states[after],
            "state_error_id": states[error],
        }


class JetRecords:
    """Mixin of the tests that walk through all models and screens of this addon."""

    addon = "cetmix_tower_jet"
    user_models = USER_MODELS
    manager_models = MANAGER_MODELS

    @classmethod
    def make_records(cls, env, server, user, manager):
        """See ``screens/screen_records.py`` of the server addon."""
        return make_jet_records(env, server, user, manager)
