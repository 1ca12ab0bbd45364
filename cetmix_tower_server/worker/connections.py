"""The SSH connections of this process: one pool, made on first use, never shared across a fork."""

from __future__ import annotations

import threading

from ..engine.ssh.pool import ConnectionPool

_lock = threading.Lock()
_pool: ConnectionPool | None = None


def get_pool() -> ConnectionPool:
    """Return the pool of this process."""
    global _pool
    with _lock:
        if _pool is None:
            _pool = ConnectionPool()
        return _pool
