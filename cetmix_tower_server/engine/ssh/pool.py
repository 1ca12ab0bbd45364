"""Keeps and shares connections, within limits that spare the hosts.

A connection is shared only by equal targets (user, credential, host key, route). It is never closed while
a channel on it is busy. A new connection is established in a thread of its own, so that a
caller's wait has a limit whatever the network or the resolver does.
"""

from __future__ import annotations

import copy
import logging
import os
import threading
import time
import weakref
from dataclasses import dataclass
from typing import Protocol

from ..errors import AuthenticationFailed, ChannelRefused, ConnectError, ConnectionLost, ConnectTimeout
from .connecting.connection import Connection
from .connecting.dialing import dial
from .errors import where
from .lease import Lease, Pending, Pooled, Slot, Wanted
from .running.stopping import StopRequested, StopSignal
from .target import Target

_logger = logging.getLogger(__name__)

#: A kept connection must open a channel within this time, else it is replaced.
REUSE_CHECK_S = 5.0
#: Waiting for other log-ins on the same host is not part of the connect clock.
QUEUE_LIMIT_S = 30.0
#: A connection may die without waking those who wait for a place on it.
LOOK_AGAIN_S = 5.0
_NEVER = float("inf")
_pools: weakref.WeakSet[ConnectionPool] = weakref.WeakSet()


@dataclass(frozen=True)
class PoolLimits:
    """Limits on what hosts are asked for.

    :param channels_per_connection: below sshd's MaxSessions (default 10)
    :param logins_at_once_per_host: below sshd's MaxStartups (default 10)
    :param idle_timeout_s: an unused connection is closed after this time
    :param refused_memory_s: a refused credential is not tried again for this time
    """

    connections_per_target: int = 4
    channels_per_connection: int = 8
    logins_at_once_per_host: int = 4
    idle_timeout_s: float = 120
    refused_memory_s: float = 60


class Channels(Protocol):
    """Where :func:`.running.run_script.run_script` gets its channel from."""

    def open_channel(self, target: Target, stop: StopSignal | None, patience_s: float) -> Lease:
        """As :meth:`ConnectionPool.open_channel`."""

    def lease(self, target: Target, stop: StopSignal | None = None) -> Lease:
        """As :meth:`ConnectionPool.lease`."""


class ConnectionPool:
    """All connections of a process. Threads share it."""

    def __init__(self, limits: PoolLimits | None = None):
        self.limits = limits or PoolLimits()
        self._reset()
        _pools.add(self)

    def _reset(self) -> None:
        self._lock = threading.RLock()
        self._slots: dict[tuple, Slot] = {}
        self._logins: weakref.WeakValueDictionary[tuple, threading.BoundedSemaphore] = (
            weakref.WeakValueDictionary()
        )
        self._refused: dict[tuple, tuple[float, AuthenticationFailed]] = {}
        self._sweeper: threading.Thread | None = None
        self._sweep = threading.Condition(self._lock)
        self._closed = False

    def open_channel(
        self,
        target: Target,
        stop: StopSignal | None = None,
        patience_s: float = QUEUE_LIMIT_S,
        beside: bool = False,
    ) -> Lease:
        """Return a lease with an open channel. Nothing has been sent on it.

        A kept connection that turns out to be dead is replaced, once. A host that refuses another session on a
        connection (MaxSessions) is not asked for that many again while connections to it are kept.

        :param patience_s: seconds to wait for a session while all that the host allows are in use; 0: no limit
        :param beside: the caller already holds a session and keeps it meanwhile. Two such callers could wait for each
            other for ever, so these sessions have connections of their own
        :raise ConnectError: a subclass that says why
        :raise StopRequested: ``stop`` was requested meanwhile
        """
        replaced = False
        until = time.monotonic() + (patience_s or _NEVER)
        while True:
            lease = self._lease(target, stop, Wanted.BESIDE if beside else Wanted.SESSION, until)
            limit = target.settings.connect_timeout_s
            try:
                lease.channel = lease.connection.open_channel(
                    min(limit, REUSE_CHECK_S) if lease.reused else limit
                )
                lease.channel.when_gone(self._wake_all)
                return lease
            except ChannelRefused as err:
                self._learn_session_limit(lease.slot, err.sessions)
                lease.release()
                if not err.sessions:  # not even one
                    raise
            except (ConnectionLost, ConnectTimeout):
                lease.discard()
                if replaced or not lease.reused:
                    raise
                replaced = True
            except BaseException:
                lease.release()
                raise

    @property
    def beside(self) -> Channels:
        """The channels for callers who hold a session on the host meanwhile, see :meth:`open_channel`."""
        return _Beside(self)

    def lease(self, target: Target, stop: StopSignal | None = None) -> Lease:
        """Return a place on a connection to the target, connecting if necessary: for a tunnel, not for a session."""
        return self._lease(target, stop, Wanted.TUNNEL, time.monotonic() + QUEUE_LIMIT_S)

    def _lease(self, target: Target, stop: StopSignal | None, wanted: Wanted, until: float) -> Lease:
        unsubscribe = stop.subscribe(self._wake_all) if stop else None
        try:
            with self._lock:
                slot = self._slots.setdefault(target.key, Slot(self._lock))
                slot.waiting += 1
                try:
                    return self._wait_for_place(slot, target, stop, wanted, until)
                finally:
                    slot.waiting -= 1
        finally:
            if unsubscribe:
                unsubscribe()

    def forget_refusal(self, target: Target) -> None:
        """Allow a credential that the host refused a moment ago: a person asks for another attempt."""
        with self._lock:
            self._refused.pop(target.key, None)

    def close(self) -> None:
        """Close every connection; the pool cannot be used afterwards."""
        with self._lock:
            self._closed = True
            connections = [pooled.connection for slot in self._slots.values() for pooled in slot.pooled]
            self._slots.clear()
            self._sweep.notify_all()
        for connection in connections:
            connection.close()

    # -- waiting for a place; the lock is held

    def _wait_for_place(
        self, slot: Slot, target: Target, stop: StopSignal | None, wanted: Wanted, until: float
    ) -> Lease:
        """Wait for a place on a connection, and take it.

        :param until: how long to wait while others use all places; without a connection, the wait is one connect timeout
        """
        connecting_s = _longest_connect_s(target) + QUEUE_LIMIT_S
        began = unused_since = time.monotonic()
        pending: Pending | None = None
        while True:
            if stop and stop.is_set():
                raise StopRequested
            if self._closed:
                raise ConnectError("Tower is shutting down: no new connections.", *where(target))
            pooled = self._free_place(slot, wanted)
            if pooled:
                if pending:
                    pending.expected -= 1  # somebody else may have our place there
                return self._take_place(slot, pooled, wanted)
            if pending and pending.error:
                raise copy.copy(pending.error)
            if pending is None or pending.done:
                pending = self._join_or_connect(slot, target, wanted)
            now = time.monotonic()
            if slot.in_use:
                unused_since = now
                left = max(began + connecting_s, until) - now
            else:
                left = unused_since + connecting_s - now
            if left <= 0:
                raise self._no_place(slot, target)
            slot.changed.wait(min(left, LOOK_AGAIN_S))

    def _take_place(self, slot: Slot, pooled: Pooled, wanted: Wanted) -> Lease:
        pooled.busy += 1
        pooled.sessions += wanted is not Wanted.TUNNEL
        return Lease(slot, pooled, wanted, self._give_back, self._retire)

    def _free_place(self, slot: Slot, wanted: Wanted) -> Pooled | None:
        """Return the fullest connection with a place left, so that others can become idle."""
        for pooled in list(slot.pooled):
            if not pooled.connection.alive and not pooled.busy:
                slot.pooled.remove(pooled)
                self._close_later(pooled.connection)
        free = [pooled for pooled in slot.pooled if slot.has_place(pooled, wanted)]
        return max(free, key=lambda p: p.busy, default=None)

    def _join_or_connect(self, slot: Slot, target: Target, wanted: Wanted) -> Pending | None:
        most = min(self.limits.channels_per_connection, slot.session_limit or _NEVER)
        for pending in slot.pending:
            if pending.expected < most and (wanted is Wanted.BESIDE or not pending.extra):
                pending.expected += 1
                return pending
        alive = sum(p.connection.alive for p in slot.pooled)
        begun = alive + len(slot.pending)
        extra = begun >= self.limits.connections_per_target
        if extra and (wanted is not Wanted.BESIDE or begun >= 2 * self.limits.connections_per_target):
            self._evict_idle_through(target)
            return None
        self._check_not_refused(target)
        pending = Pending(extra)
        pending.expected = 1
        slot.pending.append(pending)
        threading.Thread(
            target=self._connect, args=(slot, pending, target), name="tower-ssh-connect", daemon=True
        ).start()
        return pending

    def _check_not_refused(self, target: Target) -> None:
        until, error = self._refused.get(target.key, (0.0, None))
        if error is None:
            return
        if time.monotonic() < until:
            raise copy.copy(error)
        del self._refused[target.key]

    def _evict_idle_through(self, jump: Target) -> None:
        """Close an idle connection that holds a place on this jump host."""
        for slot in self._slots.values():
            for pooled in slot.pooled:
                through = pooled.connection.target.jump
                if not pooled.busy and through and through.key == jump.key:
                    slot.pooled.remove(pooled)
                    self._close_later(pooled.connection)
                    return

    def _no_place(self, slot: Slot, target: Target) -> ConnectTimeout:
        busy = sum(p.busy for p in slot.pooled)
        if busy and not slot.pending:
            text = f"All {busy} sessions to {target.label} are in use. Try again later."
        else:
            text = f"Could not connect to {target.label} in time."
        return ConnectTimeout(text, *where(target))

    # -- connecting, in a thread of its own

    def _connect(self, slot: Slot, pending: Pending, target: Target) -> None:
        connection = error = None
        try:
            connection = self._dial_in_turn(target)
        except ConnectError as err:
            error = err
        except Exception as err:
            _logger.exception("Connecting to %s failed unexpectedly", target.label)
            error = ConnectError(
                f"Connecting to {target.label} failed: {type(err).__name__}.", *where(target)
            )
        with self._lock:
            pending.done, pending.error = True, error
            slot.pending.remove(pending)
            if isinstance(error, AuthenticationFailed) and where(target) == (error.host, error.port):
                until = time.monotonic() + self.limits.refused_memory_s
                self._refused[target.key] = (until, error)
            if connection and not self._closed:
                slot.pooled.append(Pooled(connection, self.limits.channels_per_connection, pending.extra))
                self._start_sweeper()
                connection = None
            slot.changed.notify_all()
        if connection:
            connection.close()

    def _dial_in_turn(self, target: Target) -> Connection:
        with self._lock:
            turn = self._logins.get(target.route)
            if turn is None:
                turn = self._logins[target.route] = threading.BoundedSemaphore(
                    self.limits.logins_at_once_per_host
                )
        if not turn.acquire(timeout=QUEUE_LIMIT_S):
            raise ConnectTimeout(f"Too many simultaneous logins on {target.label}.", *where(target))
        try:
            return dial(target, self.lease)
        finally:
            turn.release()

    # -- giving back

    def _give_back(self, lease: Lease) -> None:
        slot, pooled = lease.slot, lease.place
        with self._lock:
            pooled.busy -= 1
            pooled.sessions -= lease.wanted is not Wanted.TUNNEL
            pooled.idle_since = time.monotonic()
            finished = not pooled.busy and (self._closed or not pooled.connection.alive)
            if finished and pooled in slot.pooled:
                slot.pooled.remove(pooled)
            self._start_sweeper()
            slot.changed.notify_all()
        if finished:
            pooled.connection.close()

    def _retire(self, lease: Lease) -> None:
        with self._lock:
            for pooled in lease.slot.pooled:
                if pooled is lease.place or not pooled.busy:
                    pooled.connection.retired = True

    def _learn_session_limit(self, slot: Slot, allowed: int) -> None:
        """Note that the host refused a session on a connection with this many sessions."""
        with self._lock:
            if allowed:
                slot.session_limit = min(allowed, slot.session_limit or allowed)

    def _wake_all(self) -> None:
        with self._lock:
            for slot in self._slots.values():
                slot.changed.notify_all()

    # -- idle connections

    def _start_sweeper(self) -> None:
        if self._sweeper is None and not self._closed:
            self._sweeper = threading.Thread(target=self._sweep_idle, name="tower-ssh-idle", daemon=True)
            self._sweeper.start()

    def _sweep_idle(self) -> None:
        """Close what is idle for too long; end when there is nothing left."""
        while True:
            with self._lock:
                expired, next_check = self._take_expired(time.monotonic())
                if next_check is None and not expired:
                    self._sweeper = None
                    return
            for connection in expired:
                connection.close()
            with self._lock:
                if next_check is not None and not self._closed:
                    self._sweep.wait(max(next_check - time.monotonic(), 0.05))

    def _take_expired(self, now: float) -> tuple[list[Connection], float | None]:
        expired, checks = [], []
        for key, slot in list(self._slots.items()):
            for pooled in list(slot.pooled):
                ends = pooled.idle_since + self.limits.idle_timeout_s
                if pooled.busy:
                    checks.append(now + self.limits.idle_timeout_s / 2)
                elif ends <= now or not pooled.connection.alive:
                    slot.pooled.remove(pooled)
                    expired.append(pooled.connection)
                else:
                    checks.append(ends)
            if not (slot.pooled or slot.pending or slot.waiting):
                del self._slots[key]
        return expired, min(checks, default=None)

    def _close_later(self, connection: Connection) -> None:
        """Close without holding the lock: closing may give back a place on a jump host."""
        connection.retired = True
        threading.Thread(target=connection.close, name="tower-ssh-close", daemon=True).start()

    def _forget_after_fork(self) -> None:
        for slot in self._slots.values():
            for pooled in slot.pooled:
                pooled.connection.forget()
        self._reset()


class _Beside:
    """See :attr:`ConnectionPool.beside`."""

    def __init__(self, pool: ConnectionPool):
        self._pool = pool
        self.lease = pool.lease

    def open_channel(self, target: Target, stop: StopSignal | None, patience_s: float) -> Lease:
        return self._pool.open_channel(target, stop, patience_s, beside=True)


def _longest_connect_s(target: Target) -> float:
    own = target.settings.connect_timeout_s + target.settings.auth_timeout_s
    return own + (_longest_connect_s(target.jump) if target.jump else 0)


def _forget_all_after_fork() -> None:
    for pool in list(_pools):
        pool._forget_after_fork()


os.register_at_fork(after_in_child=_forget_all_after_fork)
