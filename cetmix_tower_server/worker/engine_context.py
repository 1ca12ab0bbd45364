"""Context keys that only the engine can set.

A context comes with every RPC call, and travels on into what the call starts, through ``sudo`` as well. So a plain key
proves nothing. The engine wraps its values in a class of its own: JSON and XML-RPC cannot carry it, and Python commands
cannot import it. A plain value under the same key is ignored.
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
    """Return what the engine said under ``key``, None when it said nothing, whatever the caller's context holds.

    :param env: Odoo environment
    """
    said = env.context.get(key)
    return said.value if isinstance(said, _Said) else None
