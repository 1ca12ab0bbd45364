"""Short words for tests of flight plans: make and start them, wait for them, and look whether all is consistent."""

from __future__ import annotations

import time
from collections.abc import Iterable

from instance import RpcError

ACTIVE = ("queued", "running", "waiting")
SPECIAL_STATES = {0: "done", -205: "skipped", -208: "stopped", -308: "stopped", -209: "interrupted"}
INTERRUPTED = -209
STOPPED = -308
STEP_STOPPED = -208
HOSTS = 45  # of the fixture ``many_hosts``
ADDRESSES = 15  # of one sshd
TIMED_OUT = -206
CONNECTION_ERROR = 503


class Plans:
    """Flight plans of one instance, as one user.

    :param client: logged-in client of the instance
    """

    def __init__(self, client):
        self.client = client

    def command(self, code: str, action: str = "ssh_command", **values) -> int:
        """Make a command that may run side by side."""
        facts = {"name": code[:40], "code": code, "action": action, "allow_parallel_run": True}
        return self.client.create("cx.tower.command", **(facts | values))

    def python(self, code: str, **values) -> int:
        """Make a Python command."""
        return self.command(code, "python_code", **values)

    def inside(self, plan_id: int, **values) -> int:
        """Make a command that runs a plan."""
        return self.command("", "plan", name=f"Run plan {plan_id}", flight_plan_id=plan_id, **values)

    def plan(self, *lines, **values) -> int:
        """Make a plan. A line is the id of a command, or a dict with ``command_id`` and more."""
        rows = [
            (0, 0, {"sequence": number, **(line if isinstance(line, dict) else {"command_id": line})})
            for number, line in enumerate(lines, 1)
        ]
        facts = {"name": "Plan", "allow_parallel_run": True, "line_ids": rows}
        return self.client.create("cx.tower.plan", **(facts | values))

    def numbered(self, count: int, code: str = "echo {number} >> {{{{ mark }}}}", **values) -> int:
        """Make a plan whose lines append their numbers to the file that the own value ``mark`` names."""
        lines = [self.command(code.format(number=number)) for number in range(1, count + 1)]
        return self.plan(*lines, **values)

    def start(self, server_id, plan_id: int, **values):
        """Start a plan; returns the id of its log, or a list of them for a list of servers."""
        server_ids = server_id if isinstance(server_id, list) else [server_id]
        run_ids = _ids(
            self.client.call(
                "cx.tower.server", "run_flight_plan", server_ids, plan_id, variable_values=values
            )
        )
        assert len(run_ids) == len(server_ids)
        return run_ids if isinstance(server_id, list) else run_ids[0]

    def resume(self, run_id: int) -> int:
        """Resume a run; returns the id of the new log."""
        (resumed,) = _ids(self.client.call("cx.tower.plan.log", "resume", [run_id]))
        return resumed

    def stop(self, run_id: int) -> None:
        """Ask for the end of a run."""
        self.client.call("cx.tower.plan.log", "stop", [run_id])

    def progress(self, run_id: int) -> dict:
        """Return how a run stands, step by step."""
        return self.client.call("cx.tower.plan.log", "read_progress", [run_id])

    def wait(self, run_id: int, timeout_s: float = 60) -> dict:
        """Wait until a run has ended and return how it stands; fails when it does not end in time."""
        give_up = time.monotonic() + timeout_s
        while True:
            values = self.client.call("cx.tower.plan.log", "wait", [run_id], timeout_s=5)
            if values["finished"]:
                return values
            assert time.monotonic() < give_up, f"not ended after {timeout_s} s: {self.progress(run_id)}"

    def steps(self, run_id: int) -> list[tuple]:
        """Return (state, exit code) of each line of a run; ("", 0) where it was not reached."""
        return [(step["state"], step["exit_code"]) for step in self.progress(run_id)["steps"]]

    def until(self, run_id: int, is_so, timeout_s: float = 30) -> dict:
        """Wait until something is true of a run's progress, and return that."""
        return until(lambda: (lambda seen: seen if is_so(seen) else None)(self.progress(run_id)), timeout_s)


def _ids(result) -> list[int]:
    return [result] if isinstance(result, int) else list(result)


def until(look, timeout_s: float = 30):
    """Wait until ``look()`` returns something true, and return that."""
    give_up = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < give_up, f"still {found!r} after {timeout_s} s"
        time.sleep(0.02)
    return found


def until_a_cron(database, look, timeout_s: float = 30):
    """Wait until ``look()`` returns something true because a cron did its work, and return that.

    The crons look twice a second for what is due, instead of once a minute.
    """
    give_up = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < give_up, f"still {found!r} after {timeout_s} s"
        time.sleep(0.5)
        database.wake_crons()
    return found


def lines(path) -> list[str]:
    """Return the words that commands left in a file."""
    return path.read_text().split() if path.exists() else []


def register(client, host, places) -> list[int]:
    """Make a server of each place; returns their ids."""
    key = client.create("cx.tower.key", name="Many", key_type="k", secret_value=host.private_key)
    facts = {"ssh_username": host.user, "ssh_auth_mode": "k", "ssh_key_id": key, "host_key": host.host_key}
    rows = [
        {"name": f"Host {address}", "ip_v4_address": address, "ssh_port": port, **facts}
        for address, port in places
    ]
    return client.call("cx.tower.server", "create", rows)


def expire_leases(database, dead: Iterable[int] | None = None) -> None:
    """Make the leases of dead processes look expired, so that a test need not wait until they are.

    A live process would not notice that its lease is gone. It renewed the lease a few seconds ago, so it takes another
    run under it, and that run is found as lost. While other processes use the database, name those that died.

    By two days: a start of the database renews the leases of processes that lived the day before.

    :param dead: process ids; None: all processes have died
    """
    database.query(
        "UPDATE cx_tower_worker SET heartbeat = heartbeat - interval '2 days' WHERE %s OR process = ANY(%s)",
        (dead is None, list(dead or [])),
    )


def recover(client) -> None:
    """Run the cron that looks for lost runs, as it runs every minute."""
    cron = client.call(
        "ir.model.data", "check_object_reference", "cetmix_tower_server", "ir_cron_dispatch_runs"
    )[1]
    give_up = time.monotonic() + 30
    while True:
        try:
            return client.call("ir.cron", "method_direct_trigger", [cron])
        except RpcError as error:  # it is running by itself, perhaps from before the moment that counts
            assert "already executing" in str(error) and time.monotonic() < give_up
            time.sleep(0.05)


def check_consistent(database) -> None:
    """Everything ended, and what the logs say of plans and steps agrees.

    * no run or step is active; nothing ended before it began or lasted less than nothing
    * the state is that of the exit code; a plan that succeeded has a step for each line it was to do
    * steps were made in the order of the lines, each line once in a run, and none began before the one before it ended
    * a plan that was interrupted stopped at its last step, which was interrupted, and all steps before it ended otherwise
    """
    active = database.query(
        """SELECT 'plan', id, state FROM cx_tower_plan_log WHERE state = ANY(%s)
           UNION ALL SELECT 'step', id, state FROM cx_tower_command_log WHERE state = ANY(%s)""",
        (list(ACTIVE), list(ACTIVE)),
    )
    assert not active, f"still active: {active}"
    check_agreement(database)


def check_agreement(database) -> None:
    """The part of :func:`check_consistent` that holds at any moment."""
    runs = database.query(
        """SELECT id, state, plan_status, steps_total, steps_done, resumed_position, duration, start_date, finish_date
             FROM cx_tower_plan_log"""
    )
    steps = database.query(
        """SELECT plan_log_id, id, position, state, command_status, duration, start_date, finish_date, is_skipped
             FROM cx_tower_command_log WHERE plan_log_id IS NOT NULL ORDER BY plan_log_id, id"""
    )
    of_run: dict[int, list] = {}
    for run_id, *step in steps:
        of_run.setdefault(run_id, []).append(step)
    for run_id, state, status, total, done, resumed, duration, began, ended in runs:
        own = of_run.get(run_id, [])
        told = f"run {run_id} ({state}, {status}): {own}"
        positions = [step[1] for step in own]
        active = [step for step in own if step[2] in ACTIVE]
        assert positions == sorted(set(positions)), told
        for before, after in zip(own, own[1:], strict=False):
            assert before[2] not in ACTIVE, told
            assert before[6] <= (after[5] or before[6]), (
                f"{told}: a step began before the one before it ended"
            )
        for _id, _position, step_state, step_status, step_duration, step_began, step_ended, skipped in own:
            if step_state in ACTIVE:
                continue
            expected = "skipped" if skipped else SPECIAL_STATES.get(step_status, "failed")
            assert step_state == expected, told
            assert (step_duration or 0) >= 0 and step_began <= step_ended, told
        if state in ACTIVE:
            # none: the process died between the end of a Python step and the decision what is next
            assert len(active) == 1 or (own and not active), told
            continue
        assert not active, told
        assert duration >= 0 and began <= ended, told
        assert state == SPECIAL_STATES.get(status, "failed") or (state, status) == ("skipped", 0), told
        if state == "done" and total:
            assert positions[-1:] == [total - 1] or done < total, told
            assert positions == list(range(resumed or 0, len(positions) + (resumed or 0))), told
        if state == "interrupted":
            assert own[-1][2] == "interrupted", told


# ----------------------------------------------------------------------
# A plan of everything
# ----------------------------------------------------------------------

#: (state, exit code) of its lines.
EVERYTHING_STEPS = [
    ("failed", 4),  # tolerated
    ("done", 0),
    ("done", 0),
    ("skipped", -205),
    ("failed", 9),  # a plan inside, tolerated
    ("done", 0),
    ("failed", 1),  # ends the plan with a code of its own: 77
    ("", 0),
]


def everything_lines(user: str, inner: int = 1) -> list[str]:
    """Return what it leaves on a host: what ran, as whom, with which values.

    :param inner: how often the first command of the plan inside ran
    """
    return ["first", "coloured", *["inner-42-red"] * inner, "failing", f"{user}-42", "last"]


def everything(plans: Plans, mark: str, gate: str = "/", use_sudo: bool = False) -> int:
    """Make a plan with conditions, post-run actions and their values, Python, sudo, a plan inside, tolerated failures.

    :param mark: file on the host; may contain variables
    :param gate: the plan inside goes on when this file exists
    :param use_sudo: whether the last but one command wants sudo
    """
    colour = plans.client.create("cx.tower.variable", name="Survive colour", reference="survive_colour")
    inner = plans.plan(
        plans.python("custom_values['doubled'] = custom_values['number'] * 2"),
        plans.command(
            f"echo inner-{{{{ doubled }}}}-{{{{ survive_colour }}}} >> {mark}; while [ ! -e {gate} ]; do sleep 0.05; done"
        ),
        plans.command(f"echo failing >> {mark}; exit 9"),
        plans.command(f"echo never >> {mark}"),
    )

    def then(condition, value, action, **values):
        return (0, 0, {"condition": condition, "value_char": str(value), "action": action, **values})

    red = [(0, 0, {"variable_id": colour, "value_char": "red"})]
    return plans.plan(
        {
            "command_id": plans.command(f"echo first >> {mark}; exit 4"),
            "action_ids": [then(">", 4, "e", sequence=1), then("==", 4, "n", sequence=2)],
        },
        plans.python("custom_values['number'] = 21"),
        {
            "command_id": plans.command(f"echo coloured >> {mark}"),
            "condition": "{{ number }} == 21",
            "action_ids": [then("==", 0, "n", variable_value_ids=red)],
        },
        {"command_id": plans.command(f"echo skipped >> {mark}"), "condition": "{{ number }} > 100"},
        {
            "command_id": plans.inside(inner),
            "condition": "{{ survive_colour }} == 'red'",
            "action_ids": [then("==", 9, "n")],
        },
        {
            "command_id": plans.command(f"echo $(id -un)-{{{{ doubled }}}} >> {mark}"),
            "use_sudo": use_sudo,
        },
        {
            "command_id": plans.command(f"echo last >> {mark}; exit 1"),
            "action_ids": [then("==", 1, "ec", custom_exit_code=77)],
        },
        plans.command(f"echo never >> {mark}"),
    )
