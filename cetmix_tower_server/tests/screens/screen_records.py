"""One record of each model that has a screen, for tests that look at all screens."""

from ...models.base.engine_context import engine_says
from ..addon_case import AddonCase

USER_MODELS = [
    "cx.tower.server",
    "cx.tower.command",
    "cx.tower.plan",
    "cx.tower.command.log",
    "cx.tower.plan.log",
    "cx.tower.fleet.run",
    "cx.tower.file",
    "cx.tower.server.log",
    "cx.tower.variable",
    "cx.tower.variable.value",
    "cx.tower.tag",
    "cx.tower.os",
    "cx.tower.shortcut",
]
MANAGER_MODELS = [
    *USER_MODELS,
    "cx.tower.server.template",
    "cx.tower.file.template",
    "cx.tower.scheduled.task",
    "cx.tower.key",
]


def make_records(env, server, user, manager):
    """Create a record of each model that has a screen; ``manager`` manages them, ``user`` uses them.

    :return: list of records, each of another model; the server is the first
    """
    (user | manager).write({"group_ids": [(4, env.ref("base.group_user").id)]})
    roles = {"user_ids": [(4, user.id), (4, manager.id)], "manager_ids": [(4, manager.id)]}
    variable = env["cx.tower.variable"].create({"name": "Views", "access_level": "1"})
    value = env["cx.tower.variable.value"].create({"variable_id": variable.id, "value_char": "1"})
    secret = env["cx.tower.key"].create(
        {
            "name": "Views",
            "key_type": "s",
            "secret_value": "view-secret",
            "manager_ids": [(4, manager.id)],
        }
    )
    command = env["cx.tower.command"].create(
        {
            "name": "Views",
            "action": "python_code",
            "code": f"result = {{}}  # {{{{ {variable.reference} }}}} #!cxtower.secret.{secret.reference}!#",
            "access_level": "1",
            **roles,
        }
    )
    plan = env["cx.tower.plan"].create(
        {"name": "Views", "access_level": "1", "line_ids": [(0, 0, {"command_id": command.id})], **roles}
    )
    file_template = env["cx.tower.file.template"].create(
        {"name": "Views", "file_name": "a", "server_dir": "/tmp", "code": command.code, **roles}
    )
    quiet = env["cx.tower.file"].with_context(**engine_says(from_yaml=True))
    file = quiet.create({"server_id": server.id, "template_id": file_template.id})
    server_log = env["cx.tower.server.log"].create(
        {"name": "Views", "server_id": server.id, "command_id": command.id, "access_level": "1"}
    )
    template = env["cx.tower.server.template"].create(
        {"name": "Views", "flight_plan_id": plan.id, "file_template_ids": file_template.ids, **roles}
    )
    env["cx.tower.server.log"].create(
        {"name": "Views", "server_template_id": template.id, "command_id": command.id}
    )
    shortcut = env["cx.tower.shortcut"].create(
        {
            "name": "Views",
            "action": "plan",
            "plan_id": plan.id,
            "access_level": "1",
            "server_ids": server.ids,
        }
    )
    task = env["cx.tower.scheduled.task"].create(
        {"name": "Views", "command_id": command.id, "server_ids": server.ids, **roles}
    )
    fleet = env["cx.tower.fleet.run"].with_user(user).start(plan=plan.reference, servers=[server.reference])
    fleet_run = env["cx.tower.fleet.run"].browse(fleet["id"])
    plan_log = env["cx.tower.plan.log"].search([("fleet_run_id", "=", fleet_run.id)])
    command_log = env["cx.tower.command.log"].search([("plan_log_id", "=", plan_log.id)], limit=1)
    return [
        server,
        command,
        plan,
        file,
        server_log,
        variable,
        value,
        env["cx.tower.tag"].create({"name": "Views"}),
        env["cx.tower.os"].create({"name": "Views"}),
        shortcut,
        fleet_run,
        plan_log,
        command_log,
        file_template,
        template,
        task,
        secret,
    ]


class ScreenRecords(AddonCase):
    """Mixin of tests that look at all screens of an addon; another addon names its own models and makes its own records.

    :cvar user_models: models with a screen for Users
    :cvar manager_models: models with a screen for Managers
    """

    user_models = USER_MODELS
    manager_models = MANAGER_MODELS

    @classmethod
    def make_records(cls, env, server, user, manager):
        """Create a record of each model that has a screen; ``manager`` manages them, ``user`` uses them.

        :return: list of records, each of another model
        """
        return make_records(env, server, user, manager)
