"""Click to first output: from the request that queues a command to its first message on the websocket."""

from __future__ import annotations

import json
import time
from http.cookiejar import CookieJar

import websocket
from figures import Figure, Samples
from lab import Lab

TIMES = 30
PATIENCE_S = 20


def measure(lab: Lab) -> list[Figure]:
    listener = Listener(lab)
    command = lab.add_command("Benchmark: first output", "echo first; sleep 0.3")
    taken = [listener.click(lab.server_id, command) for _ in range(TIMES + 2)][2:]
    listener.close()
    output = Samples([round_.output * 1000 for round_ in taken])
    answer = Samples([round_.answer * 1000 for round_ in taken])
    queued = Samples([(round_.output - round_.answer) * 1000 for round_ in taken])
    return [
        Figure(
            "click to first output", output.median, "ms",
            f"median of {TIMES}: {output.text('ms')}; the request itself {answer.text('ms')},"
            f" from its answer {queued.text('ms')}; threaded", 200, at_least=False,
        )
    ]  # fmt: skip


class Round:
    """One click: seconds until the request was answered, until the first output was announced."""

    answer = 0.0
    output = 0.0


class Listener:
    """A browser that clicks Run and listens to the new run, as the live console does."""

    def __init__(self, lab: Lab):
        self._client = lab.client
        self._cursor = lab.connect().cursor()
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in _jar(lab.client))
        version = self._client.get("/bus/websocket_worker_bundle")  # the worker is fetched before it connects
        del version
        self._socket = websocket.create_connection(
            f"ws://127.0.0.1:{lab.odoo.port}/websocket?version={_worker_version(self._client)}",
            cookie=cookies, origin=lab.odoo.url, timeout=PATIENCE_S,
        )  # fmt: skip

    def click(self, server_id: int, command_id: int) -> Round:
        self._cursor.execute("SELECT COALESCE(max(id), 0) FROM bus_bus")
        last = self._cursor.fetchone()[0]
        result, began = Round(), time.perf_counter()
        log_id = self._client.call("cx.tower.server", "run_command", [server_id], command_id)["id"]
        result.answer = time.perf_counter() - began
        channels = [f"cetmix_tower_log/{log_id}"]
        self._socket.send(
            json.dumps({"event_name": "subscribe", "data": {"channels": channels, "last": last}})
        )
        while not self._is_first_output(self._socket.recv(), log_id):
            pass
        result.output = time.perf_counter() - began
        self._client.wait_for(log_id)
        return result

    @staticmethod
    def _is_first_output(text, log_id: int) -> bool:
        """Return whether a frame announces that this run has output to read."""
        for notification in json.loads(text) if text else []:
            message = notification["message"]
            payload = message["payload"]
            if message["type"] == "cetmix_tower_log" and payload["id"] == log_id and payload["end"]:
                return True
        return False

    def close(self) -> None:
        self._socket.close()


def _jar(client) -> CookieJar:
    (processor,) = [handler for handler in client._opener.handlers if hasattr(handler, "cookiejar")]
    return processor.cookiejar


def _worker_version(client) -> str:
    """Return the version of the bus that this Odoo expects of its clients."""
    page = client.get("/odoo").decode(errors="replace")
    _, found, rest = page.partition('"websocket_worker_version": "')
    return rest.partition('"')[0] if found else ""
