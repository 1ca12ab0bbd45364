"""Short words for tests of jets: make templates and jets, move them, wait for them, and look whether all is consistent."""

from __future__ import annotations

import time

from instance import Client
from plans import until

#: (name, from, transit, to, after an error)
STANDARD = (
    ("Prepare", "", "preparing", "draft", ""),
    ("Build", "draft", "building", "stopped", ""),
    ("Start", "stopped", "starting", "running", ""),
    ("Stop", "running", "stopping", "stopped", ""),
    ("Restart", "running", "restarting", "running", "stopped"),
    ("Remove", "stopped", "removing", "removed", ""),
    ("Destroy", "removed", "destroying", "", ""),
)
LIVE = ("waiting", "running")


class Jets:
    """Jets of one instance, as one user.

    :param client: logged-in client of the instance
    :param folder: of the hosts, for what flight plans leave there
    """

    def __init__(self, client: Client, folder=None):
        self.client = client
        self.folder = folder

    # ------------------------------------------------------------------ making

    def states(self) -> dict[str, int]:
        """Return {reference: id} of the states; "" is no state."""
        rows = self.client.call("cx.tower.jet.state", "search_read", [], ["reference"])
        return {"": False} | {row["reference"]: row["id"] for row in rows}

    def template(self, name: str, servers: list[int], plan_id=False, plans=None, **values) -> int:
        """Make a template with the usual lifecycle and install it on servers, which runs nothing.

        :param plan_id: flight plan of all actions
        :param plans: {name of an action: its flight plan}
        """
        states, plans = self.states(), plans or {}
        actions = [
            {
                "name": action,
                "priority": number,
                "access_level": "1",
                "state_from_id": states[before],
                "state_transit_id": states[through],
                "state_to_id": states[after],
                "state_error_id": states[error],
                "plan_id": plans.get(action, plan_id),
            }
            for number, (action, before, through, after, error) in enumerate(STANDARD, 1)
        ]
        facts = {"name": name, "action_ids": [(0, 0, action) for action in actions]}
        template_id = self.client.create("cx.tower.jet.template", **(facts | values))
        if servers:
            self.client.call("cx.tower.jet.template", "install_on_servers", [template_id], servers)
        return template_id

    def needs(
        self, template_id: int, other_id: int, state="running", in_states=("running",), **values
    ) -> int:
        """Let jets of a template need a jet of another one."""
        states = self.states()
        return self.client.create(
            "cx.tower.jet.template.dependency",
            template_id=template_id,
            template_required_id=other_id,
            state_required_id=states[state],
            needed_in_state_ids=[(6, 0, [states[one] for one in in_states])],
            **values,
        )

    def jet(self, template_id: int, server_id: int, name: str, state=False, **values) -> int:
        """Create a jet and return its id. Its way to the state, if any, has begun."""
        created = self.client.call(
            "cx.tower.jet.template", "launch_jet", [template_id], server_id, name=name, state=state, **values
        )
        return created["jet_id"]

    def action(self, template_id: int, name: str) -> int:
        """Return the id of an action."""
        domain = [("jet_template_id", "=", template_id), ("name", "=", name)]
        (action_id,) = self.client.call("cx.tower.jet.action", "search", domain)
        return action_id

    def tracing_plan(self, plans, **values) -> int:
        """Make a flight plan of two steps that leaves the jet's state in a file on the host, at its beginning and its end.

        Between them it waits as long as there is a file ``hold-<reference of the jet>-<state>``.
        """
        mark = f"{self.folder}/{{{{ tower.jet.reference }}}}"
        hold = f"{self.folder}/hold-{{{{ tower.jet.reference }}}}-{{{{ tower.jet.state }}}}"
        begin = f"echo {{{{ tower.jet.state }}}} >> {mark}; while [ -e {hold} ]; do sleep 0.05; done"
        end = f"echo {{{{ tower.jet.state }}}}-end >> {mark}"
        return plans.plan(plans.command(begin), plans.command(end), name="Trace", **values)

    # ------------------------------------------------------------------ moving

    def trigger(self, action_id: int, jet_id: int) -> dict:
        """Trigger an action."""
        return self.client.call("cx.tower.jet.action", "trigger", [action_id], jet_id)

    def bring(self, jet_id: int, state: str) -> dict:
        """Bring a jet to a state."""
        return self.client.call("cx.tower.jet", "bring_to_state", [jet_id], state)

    def read(self, jet_id: int) -> dict:
        """Return where a jet is and what it is busy with."""
        names = ["name", "state", "movement", "last_problem", "current_transition_id", "target_state_id"]
        context = {"active_test": False}
        return self.client.call("cx.tower.jet", "read", [jet_id], names, context=context)[0]

    def idle(self, jet_id: int, state: str | None = None, timeout_s: float = 60) -> dict:
        """Wait until a jet is idle and return how it stands.

        :param state: the state that it must then be in; None: any
        """
        end = until(lambda: (lambda jet: jet["movement"] != "busy" and jet)(self.read(jet_id)), timeout_s)
        assert state is None or (end["state"] or "") == state, (end, self.history(jet_id))
        return end

    def history(self, jet_id: int) -> list[tuple]:
        """Return (action, state of the transition) of all that moved a jet, the oldest first."""
        domain = [("jet_id", "=", jet_id)]
        rows = self.client.call(
            "cx.tower.jet.transition", "search_read", domain, ["action_name", "state"], order="id"
        )
        return [(row["action_name"], row["state"]) for row in rows]

    def last_run(self, jet_id: int) -> int:
        """Return the id of the flight plan run of a jet's last transition."""
        domain = [("jet_id", "=", jet_id), ("plan_log_id", "!=", False)]
        (row,) = self.client.call(
            "cx.tower.jet.transition", "search_read", domain, ["plan_log_id"], order="id desc", limit=1
        )
        return row["plan_log_id"][0]


def check_jets(database) -> None:
    """Nothing moves any more, and jets, history and runs agree."""
    live = database.query(
        "SELECT id, jet_id, state FROM cx_tower_jet_transition WHERE state = ANY(%s)", (list(LIVE),)
    )
    assert not live, f"still live: {live}"
    requests = database.query(
        "SELECT id, state FROM cx_tower_jet_request WHERE state IN ('new', 'processing')"
    )
    assert not requests, f"requests still open: {requests}"
    check_jets_agree(database)


def check_jets_agree(database) -> None:
    """What holds at any moment, between transactions.

    * a jet is busy if and only if it has a live transition, which has a live run, or live requests to wait for
    * each transition began where the one before it left the jet, and the jet is where the last one left it
    * a transition ended as its run did
    """
    busy = database.query(
        """SELECT jet.id, jet.current_transition_id, live.id, jet.movement FROM cx_tower_jet jet
             LEFT JOIN cx_tower_jet_transition live ON live.jet_id = jet.id AND live.state IN ('waiting', 'running')
            WHERE jet.current_transition_id IS DISTINCT FROM live.id OR (jet.movement = 'busy') != (live.id IS NOT NULL)
               OR live.id IS NULL AND (jet.target_state_id IS NOT NULL OR jet.current_action_id IS NOT NULL)"""
    )
    assert not busy, f"jet, its transition, the live one, movement: {busy}"
    stuck = database.query(
        """SELECT live.id, live.state FROM cx_tower_jet_transition live
            WHERE live.state = 'running' AND NOT EXISTS (SELECT FROM cx_tower_plan_log run
                   WHERE run.id = live.plan_log_id AND run.state IN ('queued', 'running', 'waiting'))
               OR live.state = 'waiting' AND NOT EXISTS (SELECT FROM cx_tower_jet_request request
                   WHERE request.transition_id = live.id AND request.state IN ('new', 'processing'))"""
    )
    assert not stuck, f"live without anything that moves it: {stuck}"
    other_end = database.query(
        """SELECT moved.id, moved.state, run.state, run.plan_status
             FROM cx_tower_jet_transition moved JOIN cx_tower_plan_log run ON run.id = moved.plan_log_id
            WHERE moved.state NOT IN ('waiting', 'running')
              AND moved.state != CASE WHEN COALESCE(run.plan_status, 0) = 0 THEN 'done'
                                      WHEN run.state IN ('stopped', 'interrupted') THEN run.state ELSE 'failed' END"""
    )
    assert not other_end, f"transition, its state, that of its run: {other_end}"
    _check_chains(database)


def _check_chains(database) -> None:
    """Each transition began where the one before it left the jet."""
    states = dict(database.query("SELECT id, COALESCE(state_id, 0) FROM cx_tower_jet"))
    rows = database.query(
        """SELECT jet_id, id, state, state_from_id, state_transit_id, state_to_id, state_error_id, resumes_id, plan_log_id
             FROM cx_tower_jet_transition ORDER BY jet_id, id"""
    )
    where: dict[int, int] = {}
    for jet_id, number, state, before, through, after, error, resumes, run in rows:
        here = where.get(jet_id, 0)
        if resumes is None:
            assert here == (before or 0), (
                f"jet {jet_id}: transition {number} began in {before}, the jet was in {here}"
            )
        if state in ("done", "corrected"):
            where[jet_id] = after or 0
        elif state == "running":
            where[jet_id] = through or 0
        elif state == "waiting" or not run:
            where[jet_id] = here
        else:
            where[jet_id] = error or before or 0
    found = {jet_id: (states[jet_id], state) for jet_id, state in where.items() if states[jet_id] != state}
    assert not found, f"jet: (its state, that of its history): {found}"


def busy_until_over(database, timeout_s: float = 60) -> None:
    """Wait until no transition is live."""
    give_up = time.monotonic() + timeout_s
    while rows := database.query(
        "SELECT id, jet_id, state FROM cx_tower_jet_transition WHERE state IN ('waiting', 'running')"
    ):
        assert time.monotonic() < give_up, f"still live: {rows}"
        time.sleep(0.1)
