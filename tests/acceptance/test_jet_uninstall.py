"""Upgrading and uninstalling the addon of jets, with a database of its own: nothing is lost, and servers stay usable."""

import json

import instance as tower
import pytest

TIMEOUT_S = 300
QUIET = """
import json
from odoo.addons.cetmix_tower_server.engine.run_end import RunEnd
type(env["cx.tower.run.backend"]._chosen())._dispatch = lambda self, runs: None  # nobody executes anything in here
def say(**facts):
    print("FACTS " + json.dumps(facts))
"""
#: A jet whose action Start is running, another one with a file, a log, a value and a task; and a plan that triggers an action.
MADE = """
server = env["cx.tower.server"].create({"name": "Host", "ip_v4_address": "192.0.2.1", "ssh_username": "tower", "ssh_password": "x"})
step = env["cx.tower.command"].create({"name": "Step", "code": "true"})
plan = env["cx.tower.plan"].create({"name": "Start it", "line_ids": [(0, 0, {"command_id": step.id})]})
state = lambda reference: env["cx.tower.jet.state"].search([("reference", "=", reference)]).id
template = env["cx.tower.jet.template"].create({
    "name": "Shop", "server_ids": [(6, 0, server.ids)],
    "action_ids": [
        (0, 0, {"name": "Create", "state_transit_id": state("preparing"), "state_to_id": state("stopped")}),
        (0, 0, {"name": "Start", "state_from_id": state("stopped"), "state_transit_id": state("starting"),
                "state_to_id": state("running"), "plan_id": plan.id}),
    ],
})
port = env["cx.tower.variable"].create({"name": "Port", "reference": "port"})
server.set_variable_value("port", "22")
env["cx.tower.file"].create({"name": "conf", "server_dir": "/tmp", "jet_template_id": template.id})
env["cx.tower.file"].create({"name": "own", "server_dir": "/tmp", "server_id": server.id})
env["cx.tower.server.log"].create({"name": "Log", "command_id": step.id, "jet_template_id": template.id})
jets = [template.create_jet(server, name=name) for name in ("Moving", "Resting")]
jets[1].set_variable_value("port", "8001")
env["cx.tower.scheduled.task"].create({"name": "Task", "action": "command", "command_id": step.id,
    "jet_ids": [(6, 0, jets[1].ids)], "server_ids": [(6, 0, server.ids)]})
trigger = env["cx.tower.command"].create({"name": "Start shops", "action": "jet_action", "jet_template_id": template.id,
    "jet_action_id": template.action_ids.filtered(lambda action: action.name == "Start").id})
env["cx.tower.plan"].create({"name": "Start all", "line_ids": [(0, 0, {"command_id": trigger.id})]})
jets[0].bring_to_state("running")
env.cr.commit()
say(state=jets[0].state, other=jets[1].state)
"""
TRIED = """
try:
    env["ir.module.module"].search([("name", "=", "cetmix_tower_jet")]).button_immediate_uninstall()
    say(refused="")
except Exception as error:
    say(refused=f"{type(error).__name__}: {error}")
"""
ENDED = """
jet = env["cx.tower.jet"].search([("name", "=", "Moving")])
jet.current_transition_id.plan_log_id.command_log_ids._finish(RunEnd(0, ""))
env.cr.commit()
say(state=jet.state)
"""
USED = """
server = env["cx.tower.server"].search([("name", "=", "Host")])
plan = env["cx.tower.plan"].search([("name", "=", "Start all")])
run = server.run_flight_plan(plan)
ended = run.command_log_ids
task = env["cx.tower.scheduled.task"].search([("name", "=", "Task")])
task.action_run()
server.copy({"ssh_password": "x"})
logs = env["cx.tower.command.log"].search_read([], ["name", "state", "command_action"])
env["cx.tower.plan.log"].search_read([], ["name", "state"])
say(
    value=server.get_variable_value("port"),
    files=server.file_ids.mapped("name"),
    values=env["cx.tower.variable.value"].search_count([]),
    globals=env["cx.tower.variable.value"].search_count([("is_global", "=", True)]),
    task_runs=env["cx.tower.command.log"].search_count([("scheduled_task_id", "=", task.id)]),
    code=ended.code or "",
    dry_run=plan.dry_run([server.id])["servers"][0]["would_run"],
    logs=len(logs),
)
env.cr.commit()
"""


class Addon:
    """The database, and scripts in it while no server runs."""

    def __init__(self, database, folder):
        self.database, self.folder = database, folder

    def do(self, script):
        """Run a script. :return: the facts that it says"""
        done = tower.odoo_shell(self.database, self.folder, QUIET + script, TIMEOUT_S)
        lines = [line for line in done.stdout.splitlines() if "FACTS " in line]
        assert lines, done.stdout[-2000:] + done.stderr[-4000:]
        return json.loads(lines[-1].partition("FACTS ")[2])

    def update(self, module):
        """Update an addon from the command line."""
        log = self.folder / "update.log"
        options = [f"--database={self.database.name}", f"--update={module}", "--stop-after-init", "--no-http"]
        status = tower.start_odoo([*options, f"--logfile={log}"], self.folder).wait(TIMEOUT_S)
        problems = [
            line for line in log.read_text().splitlines() if " ERROR " in line or " CRITICAL " in line
        ]
        assert (status, problems) == (0, [])

    def rows(self, query):
        return self.database.query(query)


@pytest.fixture(scope="module")
def addon(database_with_jets, tmp_path_factory):
    return Addon(database_with_jets, tmp_path_factory.mktemp("jets"))


def test_upgrade_and_uninstall(addon):
    """An upgrade changes nothing of what is going on; uninstalling waits for it, and then leaves servers usable."""
    assert addon.do(MADE) == {"state": "starting", "other": "stopped"}
    moving = (
        "SELECT jet.state, transition.state, run.state, step.state FROM cx_tower_jet jet"
        " JOIN cx_tower_jet_transition transition ON transition.id = jet.current_transition_id"
        " JOIN cx_tower_plan_log run ON run.id = transition.plan_log_id"
        " JOIN cx_tower_command_log step ON step.plan_log_id = run.id"
    )
    kept = (
        "SELECT (SELECT count(*) FROM cx_tower_jet), (SELECT count(*) FROM cx_tower_jet_transition),"
        " (SELECT count(*) FROM cx_tower_file), (SELECT count(*) FROM cx_tower_variable_value),"
        " (SELECT count(*) FROM cx_tower_jet_state)"
    )
    before = addon.rows(moving), addon.rows(kept)
    assert len(before[0]) == 1
    addon.update("cetmix_tower_jet")
    assert (addon.rows(moving), addon.rows(kept)) == before

    refused = addon.do(TRIED)["refused"]
    assert refused.startswith("UserError") and "Moving" in refused and "Start" in refused
    assert addon.rows("SELECT state FROM ir_module_module WHERE name = 'cetmix_tower_jet'") == [
        ("installed",)
    ]

    assert addon.do(ENDED) == {"state": "running"}
    assert addon.do(TRIED)["refused"] == ""
    assert addon.rows("SELECT state FROM ir_module_module WHERE name = 'cetmix_tower_jet'") == [
        ("uninstalled",)
    ]
    tables = addon.rows(
        "SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'cx_tower_jet%%'"
    )
    columns = addon.rows(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_name LIKE 'cx_tower_%%' AND (column_name LIKE 'jet_%%' OR column_name LIKE '%%_jet_id')"
    )
    assert (tables, columns) == ([], [])
    assert addon.rows(
        "SELECT is_nullable FROM information_schema.columns"
        " WHERE table_name = 'cx_tower_file' AND column_name = 'server_id'"
    ) == [("NO",)]

    used = addon.do(USED)
    assert (used["value"], used["files"]) == ("22", ["own"])
    assert (used["values"], used["globals"], used["task_runs"]) == (2, 0, 1)
    assert "exit 1" in used["code"]
    addon.update("cetmix_tower_server")
