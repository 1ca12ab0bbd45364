"""Logging in: key, password, keyboard-interactive. A password is sent exactly once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import paramiko
from paramiko.auth_handler import AuthHandler
from paramiko.ssh_exception import AuthenticationException, BadAuthenticationType, PartialAuthentication

from ...errors import AuthenticationFailed, ConnectionLost, ConnectTimeout
from ..errors import lost_if_broken, where
from ..target import Target
from .private_key import load_private_key
from .transport import CommandTransport

_PASSWORD_METHODS = {"password", "keyboard-interactive"}


def authenticate(target: Target, transport: CommandTransport) -> None:
    """Log in with the target's credential, in the order in which the host asks for its parts.

    Each part is accepted at most once, and a password is sent exactly once. It is never tried in place of a key that
    was refused.

    :raise AuthenticationFailed: there is nothing to show, or the host refused; says which part, or which it still asks for
    :raise KeyFileError: the private key cannot be read
    """
    credential = target.credential
    if credential.needs_key and not credential.private_key:
        raise _refused(target, "its SSH key contains no private key, and no other method is tried")
    if not credential.private_key and not credential.password:
        raise _refused(target, "neither a private key nor a password is stored for it")
    key = load_private_key(credential.private_key, credential.passphrase) if credential.private_key else None
    _LogIn(target, transport, key).run()


class _LogIn:
    """One log-in: what is left to be shown, and what the host wants next."""

    def __init__(self, target: Target, transport: CommandTransport, key: paramiko.PKey | None):
        self._target = target
        self._transport = transport
        self._key = key
        self._password = target.credential.password
        self._deadline = time.monotonic() + target.settings.auth_timeout_s
        self._accepted: list[str] = []

    def run(self) -> None:
        wanted = ["publickey"] if self._key else self._methods()
        while not self._transport.is_authenticated():
            if self._key and "publickey" in wanted:
                wanted = self._show_key()
            elif self._password and not _PASSWORD_METHODS.isdisjoint(wanted):
                wanted = self._send_password(wanted)
            else:
                raise _refused(self._target, self._explain(wanted))

    def _show_key(self) -> list[str]:
        key, username = self._key, self._target.username
        try:
            partial = self._attempt(lambda done: self._transport.auth_publickey(username, key, done))
        except AuthenticationFailed as err:
            if isinstance(err.__cause__, BadAuthenticationType):
                return err.__cause__.allowed_types  # its turn may come after something else
            raise
        self._key = None
        self._accepted.append("key")
        return partial

    def _send_password(self, wanted: list[str]) -> list[str]:
        password, self._password = self._password.reveal(), None
        username, transport = self._target.username, self._transport
        if "password" in wanted:
            partial = self._attempt(lambda done: transport.auth_password(username, password, done))
        else:
            answers = _InteractiveAnswers(password)
            partial = self._attempt(lambda done: _start_interactive(self._target, transport, answers, done))
        self._accepted.append("password")
        return partial

    def _explain(self, wanted: list[str]) -> str:
        names = ", ".join(wanted)
        if self._accepted:
            return f"the {self._accepted[-1]} was accepted, but the host also requires: {names}"
        if not self._key:
            return "the host does not accept passwords, only: " + names
        return f"the host does not accept keys, or requires another method first: {names}. No password is stored for it"

    def _methods(self) -> list[str]:
        """Ask which methods the host offers, so that a password is not tried in vain."""

        def ask(done: threading.Event) -> None:
            self._transport.auth_handler = AuthHandler(self._transport)
            self._transport.auth_handler.auth_none(self._target.username, done)

        try:
            return self._attempt(ask)
        except AuthenticationFailed as err:
            if isinstance(err.__cause__, BadAuthenticationType):
                return err.__cause__.allowed_types
            raise

    def _attempt(self, start: Callable[[threading.Event], object]) -> list[str]:
        return _attempt(self._target, self._transport, self._deadline, start)


class _InteractiveAnswers:
    """Answers one password question; a second one gets an empty answer, never the password again."""

    def __init__(self, password: str):
        self._password: str | None = password

    def __call__(self, _title: str, _instructions: str, fields: list) -> list[str]:
        answers = [""] * len(fields)
        if len(fields) == 1 and self._password is not None:
            answers[0], self._password = self._password, None
        return answers


def _start_interactive(target: Target, transport, handler, done: threading.Event) -> None:
    transport.auth_handler = AuthHandler(transport)
    transport.auth_handler.auth_interactive(target.username, handler, done)


def _attempt(
    target: Target, transport, deadline: float, start: Callable[[threading.Event], object]
) -> list[str]:
    """Try one method; return the methods that are still wanted (empty: logged in)."""
    done = threading.Event()
    transport.get_exception()  # forget earlier ones
    with lost_if_broken(target):
        start(done)
    if not done.wait(max(deadline - time.monotonic(), 0.1)):
        raise ConnectTimeout(
            f"{target.label} did not complete the login of {target.username} within"
            f" {target.settings.auth_timeout_s:g} s.",
            *where(target),
        )
    if transport.is_active() and transport.auth_handler.is_authenticated():
        return []
    err = transport.get_exception()
    if isinstance(err, PartialAuthentication):
        return err.allowed_types
    if not transport.is_active() and not isinstance(err, AuthenticationException):
        raise ConnectionLost(
            f"{target.label} closed the connection during the login of {target.username}."
            " It may limit concurrent logins, or block this address after failed ones.",
            *where(target),
        ) from err
    what = "key" if transport.auth_handler.auth_method == "publickey" else "password"
    raise _refused(target, f"the host rejected the {what}") from err


def _refused(target: Target, reason: str) -> AuthenticationFailed:
    return AuthenticationFailed(
        f"Could not log in to {target.label} as {target.username}: {reason}. Check user and credentials.",
        *where(target),
    )
