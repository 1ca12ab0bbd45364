"""What no data file can know: the demo hosts' addresses and keys, the persons who log in, their passwords and API keys.

Written in `odoo shell` as the superuser, because the vault takes secrets only from inside Odoo.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from .console import Step
from .hosts import DemoHost
from .odoo_run import OdooRunner
from .paths import write_private

SCRIPT = """
import json, os
from datetime import timedelta
from pathlib import Path
from odoo import fields

given = json.loads(Path(os.environ["TOWER_DEMO_INPUT"]).read_text("utf-8"))
admin = env["res.users"].search([("login", "=", given["login"])]) or env.ref("base.user_admin")
group = env.ref("cetmix_tower_server.group_root")
admin.write({"login": given["login"], "password": given["password"], "group_ids": [(4, group.id)]})

for host in given["hosts"]:
    values = {
        "ip_v4_address": host["address"],
        "ssh_port": host["port"],
        "ssh_username": host["user"],
        "host_key": host["host_key"],
        "skip_host_key": False,
    }
    if host["private_key"]:
        reference = "demo_key_" + host["name"]
        key = env["cx.tower.key"].search([("reference", "=", reference)], limit=1)
        secret = {"name": "Demo key " + host["name"], "reference": reference, "key_type": "k", "secret_value": host["private_key"]}
        key = key.write(secret) and key if key else key.create(secret)
        values.update(ssh_auth_mode="k", ssh_key_id=key.id, use_sudo=False)
    else:
        values.update(ssh_auth_mode="p", ssh_password=host["password"], ssh_key_id=False, use_sudo="p")
    server = env["cx.tower.server"].search([("reference", "=", host["reference"])], limit=1)
    if server:
        server.write(values)
    else:
        server = server.create({"name": "Demo " + host["name"], "reference": host["reference"], **values})
    if env["cx.tower.variable"].search([("reference", "=", "data_dir")]):
        server.set_variable_value("data_dir", host["home"])
        env["cx.tower.file"].search([("server_id", "=", server.id)])._update_host_path()

# Now that the hosts exist, switch on what the demo data leaves off.
file = env.ref("cetmix_tower_server.demo_file_web_motd", raise_if_not_found=False)
if file and not file.auto_sync:
    file.auto_sync = True
for name in ("demo_task_disk_usage", "demo_task_write_log"):
    task = env.ref("cetmix_tower_server." + name, raise_if_not_found=False)
    if task and not task.active:
        task.write({"active": True, "next_call": task._get_next_call(task, fields.Datetime.now())})

task = env.ref("cetmix_tower_jet.demo_jet_task_health", raise_if_not_found=False)
if task and not task.active:
    task.write({"active": True, "next_call": task._get_next_call(task, fields.Datetime.now())})

# Who uses the hosts, and where the addon is installed, the jet templates.
users = {}
for login, person in given["people"].items():
    group = env.ref("cetmix_tower_server." + person["group"])
    user = env["res.users"].with_context(active_test=False, no_reset_password=True).search([("login", "=", login)])
    values = {"name": person["name"], "login": login, "active": True, "password": given["password"]}
    values["group_ids"] = [(4, env.ref("base.group_user").id), (4, group.id)]
    users[login] = user.write(values) and user if user else user.create(values)
servers = env["cx.tower.server"].search([("reference", "in", [host["reference"] for host in given["hosts"]])])
owners = [servers]
if "cx.tower.jet.template" in env:
    owners.append(env["cx.tower.jet.template"].search([("reference", "=like", "demo_jet_%")]))
for login, person in given["people"].items():
    for records in owners:
        records.write({person["role"]: [(4, users[login].id)]})

tokens = {}
for login, user in {given["login"]: admin, **users}.items():
    keys = env["res.users.apikeys"].with_user(user)
    keys.search([("name", "=", "setup/demo")]).sudo().unlink()
    # sudo: an ordinary user may only make keys that end sooner
    tokens[login] = keys.sudo()._generate("rpc", "setup/demo", fields.Datetime.now() + timedelta(days=365))
Path(os.environ["TOWER_DEMO_KEY"]).write_text(json.dumps(tokens), "utf-8")
env.cr.commit()
"""

#: Persons besides the login, who is Root: {login: name, group of the server addon, role on servers and jet templates}.
PEOPLE = {
    "user": {"name": "Uma User", "group": "group_user", "role": "user_ids"},
    "manager": {"name": "Mary Manager", "group": "group_manager", "role": "manager_ids"},
}


def write(
    odoo: OdooRunner,
    database: str,
    hosts: Sequence[DemoHost],
    login: str,
    password: str,
    key_file: Path,
    step: Step,
) -> None:
    """Write the hosts' data and the persons who log in, all with the same password.

    :param key_file: gets an API key of each person, as JSON {login: key}, 0600
    """
    given = {
        "login": login,
        "password": password,
        "people": PEOPLE,
        "hosts": [asdict(host) for host in hosts],
    }
    source = write_private(odoo.folder / "records.json", json.dumps(given))
    write_private(key_file, "")
    try:
        odoo.script(
            database,
            SCRIPT,
            "The demo hosts could not be written into the database",
            step,
            TOWER_DEMO_INPUT=str(source),
            TOWER_DEMO_KEY=str(key_file),
        )
    finally:
        source.unlink(missing_ok=True)
