"""Limits hold under a race: one at a time, twenty workers, two hundred starts."""

import json

import instance as tower

STARTS = 200
WORKERS = 20

RACE = """
import json, threading, time
from odoo.addons.cetmix_tower_server.engine.run_request import RunRequest
from odoo.addons.cetmix_tower_server.worker.worker import Worker
server = env["cx.tower.server"].browse({server_id})
server.max_parallel_runs = 1
code = ('mkdir {folder}/busy || echo overlap >> {folder}/overlaps; sleep 0.01; rmdir {folder}/busy;'
        ' echo ran >> {folder}/count')
logs = env["cx.tower.command.log"]
for _ in range({starts}):
    logs |= server._create_command_runs(
        env["cx.tower.command"]._ad_hoc_command("ssh_command"), RunRequest(code=code))
env.cr.commit()
workers = [Worker(env.cr.dbname) for _ in range({workers})]
give_up = time.monotonic() + 150
while time.monotonic() < give_up:
    for worker in workers:
        worker.wake()
    env.cr.rollback()
    env.cr.execute("SELECT count(*) FROM cx_tower_command_log WHERE state IN ('queued', 'running')")
    if not env.cr.fetchone()[0]:
        break
    time.sleep(0.2)
env.cr.execute("SELECT state, count(*), count(DISTINCT worker) FROM cx_tower_command_log GROUP BY state")
print("RESULT " + json.dumps(env.cr.fetchall()))
"""


def test_never_two_at_once(database, tmp_path, one_host, host_dir):
    with tower.Instance(database, tmp_path) as running:
        server_id = one_host.register(running.client())
    script = RACE.format(server_id=server_id, folder=host_dir, starts=STARTS, workers=WORKERS)
    done = tower.odoo_shell(database, tmp_path, script, timeout_s=200)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")] or [
        done.stderr[-3000:]
    ]
    ((state, count, workers),) = json.loads(line.removeprefix("RESULT "))
    assert (state, count) == ("done", STARTS)
    assert workers > 1, "the race needs more than one worker that won"
    assert not (host_dir / "overlaps").exists(), "two ran at once"
    assert len((host_dir / "count").read_text().splitlines()) == STARTS
