"""A client for Odoo's JSON-2 API, as an external script would have it."""

import http.client
import json
import time
import urllib.error
import urllib.request
from typing import Any

from .errors import SetupError

REQUEST_TIMEOUT_S = 120


class RpcError(SetupError):
    """Odoo answered with an error."""


class Client:
    """Calls methods of Odoo's models over HTTP.

    :param url: address of Odoo, without a slash at the end
    :param key: an API key of the user that the calls are made as
    """

    def __init__(self, url: str, database: str, key: str):
        self.url = url
        self._headers = {
            "Authorization": f"bearer {key}",
            "X-Odoo-Database": database,
            "Content-Type": "application/json; charset=utf-8",
        }

    def call(self, model: str, method: str, ids: list[int] | None = None, **arguments: Any) -> Any:
        """Call a method and return its result.

        :raise RpcError: Odoo refused, or cannot be reached
        """
        body = dict(arguments) if ids is None else {"ids": ids, **arguments}
        request = urllib.request.Request(
            f"{self.url}/json/2/{model}/{method}", json.dumps(body).encode(), self._headers, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT_S) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise RpcError(f"Odoo refused {model}.{method}: {_message(error)}") from None
        except (OSError, http.client.HTTPException) as error:
            raise RpcError(f"Odoo did not answer {model}.{method}: {error}") from None

    def search_read(self, model: str, domain: list, fields: list[str], **arguments: Any) -> list[dict]:
        return self.call(model, "search_read", domain=domain, fields=fields, **arguments)


def _message(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error).get("message")).strip().replace("\n", " ")
    except (ValueError, AttributeError):
        return f"HTTP status {error.code}"


def is_up(url: str) -> bool:
    """Whether Odoo answers at the URL."""
    try:
        with urllib.request.urlopen(f"{url}/web/health", timeout=5) as response:
            return response.status == 200
    except (OSError, http.client.HTTPException):
        return False


def wait_until_up(url: str, timeout_s: float, still_there) -> bool:
    """Wait for Odoo to answer; False if it does not in time, or if `still_there()` says that it has ended."""
    deadline = time.monotonic() + timeout_s
    while not is_up(url):
        if time.monotonic() > deadline or not still_there():
            return False
        time.sleep(0.2)
    return True
