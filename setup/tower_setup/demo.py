"""setup/demo: from a bare machine to flight plans on real hosts, and a web client to look at them."""

import json
import secrets
import shutil
import time
from argparse import Namespace
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import demo_records, locks, odoo_home, ports, postgres, rpc, virtualenv
from .console import Console
from .demo_jets import People, tell_of_jets
from .demo_plans import run_plan
from .demo_runs import run_commands
from .demo_story import tell
from .errors import SetupError
from .hosts import DemoHost, HostSet
from .odoo_run import OdooRunner
from .paths import Layout, fingerprint, private_dir, write_private
from .processes import Services

DATABASE = "tower_demo"
ODOO = "Odoo"
JET_ADDON = "cetmix_tower_jet"
LOGIN = "admin"
HOST_PREFIX = "demo_host_"
START_TIMEOUT_S = 180
WAIT_STEP_S = 0.5


@dataclass(frozen=True)
class Demo:
    """What is available once everything is provided."""

    layout: Layout
    console: Console
    odoo: OdooRunner
    hosts: list[DemoHost]
    folder: Path


def main(options: Namespace, layout: Layout, console: Console) -> int:
    ports.require_free(options.port)
    folder = private_dir(layout.state / "demo")
    with locks.only_one(layout.state / "demo.lock", "The demo of this checkout"), ExitStack() as stack:
        if options.reset:
            _forget(layout, folder)
        demo = _provide(layout, console, folder, stack)
        _prepare_database(demo)
        keys, password = _prepare_records(demo)
        url = f"http://localhost:{options.port}"
        services = Services()
        stack.callback(services.stop)
        _serve(demo, options.port, url, services)
        if not any(host.password for host in demo.hosts):
            console.say(
                "Without root, no host can have a password or sudo: Demo sudo uses a key, and no sudo."
            )
        clients = {login: rpc.Client(url, DATABASE, key) for login, key in keys.items()}
        succeeded = _run(clients[LOGIN], console)
        if succeeded and JET_ADDON in layout.addon_names():
            restart = partial(_kill_and_serve, demo, options.port, url, services)
            succeeded = tell_of_jets(People(**clients), console, restart)
        if options.once:
            return 0 if succeeded else 1
        _invite(console, url, password)
        _wait(services, folder)
    return 0


def _forget(layout: Layout, folder: Path) -> None:
    for path in (folder, layout.public_state / "demo-postgres", layout.public_state / "homes"):
        shutil.rmtree(path, ignore_errors=True)
    private_dir(folder)


def _provide(layout: Layout, console: Console, folder: Path, stack: ExitStack) -> Demo:
    with locks.in_turn(layout.cache / "lock", console, "fetching what Tower needs"):
        home = odoo_home.provide(layout, console)
        venv = virtualenv.provide(layout, console)
        hosts = HostSet(layout, console, folder / "hosts")
    database = postgres.provide(layout, console, venv, "demo-postgres", stack, durable=True)
    odoo = OdooRunner(layout, home, venv, database, folder)
    return Demo(layout, console, odoo, hosts.start(stack), folder)


def _prepare_database(demo: Demo) -> None:
    """Install the addons, or update them when their files have changed since."""
    mark = demo.folder / "installed"
    addons = demo.layout.addon_names()
    state = _fingerprint_of(demo, addons)
    database = demo.odoo.database
    exists = database.exists(DATABASE)
    if exists and mark.exists() and mark.read_text("utf-8") == state:
        return
    update = addons if exists and mark.exists() else []
    if exists and not update:
        # A first installation that was interrupted.
        database.drop(DATABASE)
    if not update:
        database.create(DATABASE)
    title = "Updating Tower in the demo's database" if update else "Installing Tower with demo data"
    with demo.console.step(title) as step:
        demo.odoo.install(DATABASE, addons, step, demo=True, update=update)
    mark.write_text(state, "utf-8")
    (demo.folder / "records").unlink(missing_ok=True)


def _fingerprint_of(demo: Demo, addons: list[str]) -> str:
    files = [
        path for name in addons for path in sorted((demo.layout.checkout / name).rglob("*")) if path.is_file()
    ]
    contents = [path.read_bytes() for path in files if "__pycache__" not in path.parts]
    return fingerprint(str(demo.odoo.home.source), *addons, *contents)


def _prepare_records(demo: Demo) -> tuple[dict[str, str], str]:
    """Write into the server records how to reach the hosts; return {login: API key} and the password of all logins."""
    key_file, password_file, mark = (demo.folder / name for name in ("api-keys", "password", "records"))
    if not password_file.exists():
        write_private(password_file, secrets.token_urlsafe(9))
    password = password_file.read_text("utf-8")
    state = fingerprint(demo_records.SCRIPT, password, *(repr(host) for host in demo.hosts))
    if not (mark.exists() and key_file.exists() and mark.read_text("utf-8") == state):
        with demo.console.step("Telling Tower about the three hosts") as step:
            demo_records.write(demo.odoo, DATABASE, demo.hosts, LOGIN, password, key_file, step)
        mark.write_text(state, "utf-8")
    return json.loads(key_file.read_text("utf-8")), password


def _serve(demo: Demo, port: int, url: str, services: Services) -> None:
    log = demo.folder / "odoo.log"
    argv = demo.odoo.argv(
        "-d",
        DATABASE,
        f"--db-filter=^{DATABASE}$",
        f"--http-port={port}",
        f"--http-interface={ports.LOOPBACK}",
    )
    # Installing took a while; another program may have taken the port since.
    ports.require_free(port)
    with demo.console.step("Starting Odoo"):
        services.start(ODOO, argv, log=log, env=demo.odoo.environment())
        if not rpc.wait_until_up(url, START_TIMEOUT_S, lambda: not services.ended()):
            raise SetupError(f"Odoo did not start; see {log}.")


def _kill_and_serve(demo: Demo, port: int, url: str, services: Services) -> None:
    """End Odoo as kill -9 does, and start it again."""
    services.kill(ODOO)
    _serve(demo, port, url, services)


def _run(client: rpc.Client, console: Console) -> bool:
    """Run the flight plan, some single commands and the story; return whether all of it succeeded."""
    hosts = [("reference", "=like", f"{HOST_PREFIX}%")]
    servers = client.search_read("cx.tower.server", hosts, ["name"], order="reference")
    results = [run_plan(client, console, servers), run_commands(client, console, servers)]
    results.append(tell(client, console, servers))
    return all(results)


def _invite(console: Console, url: str, password: str) -> None:
    console.say()
    console.say(console.paint("Tower is ready.", "bold"))
    console.say(f"  address   {console.paint(url + '/odoo', 'cyan')}")
    people = [f"{login} ({person['name']})" for login, person in demo_records.PEOPLE.items()]
    console.say(f"  logins    {', '.join([*people, f'{LOGIN} (Root)'])}")
    console.say(f"  password  {password}")
    console.say("Ctrl-C ends it and everything it started.")


def _wait(services: Services, folder: Path) -> None:
    """Wait for a signal, or for a server that ends by itself.

    What a demo host leaves behind (``nohup ... &``, children of a stopped command) becomes our child and ends at some
    point; that is not an error.
    """
    while not (name := services.ended()):
        services.reap_strangers()
        time.sleep(WAIT_STEP_S)
    raise SetupError(f"{name} ended unexpectedly; its log is below {folder}.")
