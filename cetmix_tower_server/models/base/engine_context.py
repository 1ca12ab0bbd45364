"""What Tower's own code says to itself through Odoo's context, so that nobody else can say it.

A context comes with every RPC call, and travels on into what the call starts, through ``sudo`` too. So a key alone proves
nothing. What Tower says is wrapped in a class of its own: JSON and XML-RPC cannot carry it, and code in Python commands
cannot import it. A plain value under the same key is ignored.

Only for what Odoo itself passes from one record to others that nobody calls with an argument: writing, copying and deleting
(quiet writes of files, forced deletion of servers, the check of SSH settings). What one method of ours tells another one is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class _Said:
    value: Any


def engine_says(**values: Any) -> dict[str, _Said]:
    """Return keys for ``with_context(**...)``.

    :param values: hashable values by key, for :func:`heard`
    """
    return {key: _Said(value) for key, value in values.items()}


def heard(env, key: str) -> Any:
    """Return what :func:`engine_says` said under ``key``; None when it said nothing, whatever the caller's context holds.

    :param env: Odoo environment
    """
    said = env.context.get(key)
    return said.value if isinstance(said, _Said) else None
