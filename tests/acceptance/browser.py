"""A headless Chromium for acceptance tests: logs in to a running Tower and walks a tour there.

Only what tours need of the DevTools protocol; Odoo's own ``HttpCase`` drives a browser too, but inside the test's
transaction, where no worker runs commands and nothing is live.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import websocket

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
START_LIMIT_S = 30
CALL_LIMIT_S = 60
SWITCHES = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --disable-dev-shm-usage --remote-debugging-port=0"
    " --remote-allow-origins=* --window-size=1400,900"
).split()


def find_chromium() -> str | None:
    """Return the path of a Chromium, None when there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One browser with one page. Use it as a context manager."""

    def __init__(self, url: str):
        self.url = url
        self.console: list[str] = []
        self._number = 0

    def __enter__(self) -> Browser:
        self._profile = tempfile.mkdtemp(prefix="tower-browser-")
        self._process = subprocess.Popen(
            [find_chromium(), *SWITCHES, f"--user-data-dir={self._profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._socket = websocket.create_connection(self._page(), timeout=CALL_LIMIT_S, suppress_origin=True)
        self.call("Page.enable")
        self.call("Runtime.enable")
        return self

    def __exit__(self, *exception) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(20)
        shutil.rmtree(self._profile, ignore_errors=True)

    def _page(self) -> str:
        """Return the address of the page's debugger, when the browser has started."""
        port_file = Path(self._profile) / "DevToolsActivePort"
        give_up = time.monotonic() + START_LIMIT_S
        while time.monotonic() < give_up:
            lines = port_file.read_text().split() if port_file.exists() else []
            if lines:
                with urllib.request.urlopen(f"http://127.0.0.1:{lines[0]}/json", timeout=10) as answer:
                    pages = [page for page in json.load(answer) if page["type"] == "page"]
                if pages:
                    return pages[0]["webSocketDebuggerUrl"]
            time.sleep(0.1)
        raise RuntimeError("Chromium did not start")

    def call(self, method: str, **parameters) -> dict:
        """Call a method of the DevTools protocol and return its result."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == self._number:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]
            self._remember(message)

    def _remember(self, message: dict) -> None:
        if message.get("method") == "Runtime.consoleAPICalled":
            values = message["params"]["args"]
            self.console.append(" ".join(str(part.get("value", part.get("description"))) for part in values))

    def evaluate(self, expression: str):
        """Return the value of a JavaScript expression in the page; None when it throws."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        return answer["result"].get("value") if "exceptionDetails" not in answer else None

    def wait_for(self, expression: str, timeout_s: float = 60) -> None:
        """Wait until a JavaScript expression is true."""
        give_up = time.monotonic() + timeout_s
        while not self.evaluate(expression):
            assert time.monotonic() < give_up, f"in vain: {expression}\n" + "\n".join(self.console[-20:])
            time.sleep(0.1)

    def log_in(self, client) -> None:
        """Use the session of a logged-in :class:`instance.Client`."""
        self.call("Network.enable")
        self.call("Network.setCookie", url=self.url, name="session_id", value=client.session_id)

    def walk(self, tour: str, facts: dict | None = None, timeout_s: float = 180) -> None:
        """Walk a tour from its start; fails with the browser's console and a picture when the tour fails.

        :param facts: what the tour reads from the cookie ``tower_tour``
        """
        self.console.clear()
        cookie = urllib.request.quote(json.dumps(facts or {}))
        self.call("Network.setCookie", url=self.url, name="tower_tour", value=cookie)
        self.call("Page.navigate", url=f"{self.url}/odoo/cetmix_tower_servers?debug=tests")
        self.wait_for(f"window.odoo?.isTourReady?.('{tour}')", 120)
        self.evaluate(f"odoo.startTour('{tour}', {{stepDelay: 0, keepWatchBrowser: false}})")
        give_up = time.monotonic() + timeout_s
        while "tour succeeded" not in self.console:
            self.evaluate("1")  # lets messages of the console in
            failed = [line for line in self.console if "FAILED" in line]
            if failed or time.monotonic() > give_up:
                raise AssertionError(
                    f"{tour}: picture in {self.picture(tour)}\n" + "\n".join(self.console[-15:])
                )
            time.sleep(0.2)

    def picture(self, name: str) -> Path:
        """Save what the browser shows and return the file's path."""
        path = Path(tempfile.gettempdir()) / f"tower-{name}.png"
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))
        return path
