"""Logging in: key, password, keyboard-interactive. A password is sent exactly once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from paramiko.auth_handler import AuthHandler
from paramiko.ssh_exception import AuthenticationException, BadAuthenticationType, PartialAuthentication

from ..results import AuthenticationFailed, ConnectionLost, ConnectTimeout
from .errors import lost_if_broken, where
from .keys import load_private_key
from .target import Target
from .transport import CommandTransport


def authenticate(target: Target, transport: CommandTransport) -> None:
    """Log in with the target's credential. A password is sent exactly once.

    :raise AuthenticationFailed: the host refused
    :raise KeyFileError: the private key cannot be read
    """
    credential = target.credential
    deadline = time.monotonic() + target.settings.auth_timeout_s
    if credential.private_key:
        key = load_private_key(credential.private_key, credential.passphrase)
        partial = _attempt(
            target, transport, deadline, lambda done: transport.auth_publickey(target.username, key, done)
        )
        if not partial:
            return
        if not credential.password:
            raise _refused(target, "the key was accepted, but the host also wants: " + ", ".join(partial))
        _log_in_with_password(target, transport, deadline, partial)
    elif credential.password:
        _log_in_with_password(target, transport, deadline, _methods(target, transport, deadline))
    else:
        raise _refused(target, "neither a private key nor a password is stored for it")


def _methods(target: Target, transport: CommandTransport, deadline: float) -> list[str]:
    """Ask which methods the host offers, so that a password is not tried in vain."""

    def ask(done: threading.Event) -> None:
        transport.auth_handler = AuthHandler(transport)
        transport.auth_handler.auth_none(target.username, done)

    try:
        return _attempt(target, transport, deadline, ask)
    except AuthenticationFailed as err:
        if isinstance(err.__cause__, BadAuthenticationType):
            return err.__cause__.allowed_types
        raise


def _log_in_with_password(target: Target, transport, deadline: float, methods: list[str]) -> None:
    if transport.is_authenticated():
        return
    password = target.credential.password.reveal()
    if "password" in methods:
        partial = _attempt(
            target, transport, deadline, lambda done: transport.auth_password(target.username, password, done)
        )
    elif "keyboard-interactive" in methods:
        answers = _InteractiveAnswers(password)
        partial = _attempt(
            target, transport, deadline, lambda done: _start_interactive(target, transport, answers, done)
        )
    else:
        raise _refused(target, "the host takes no passwords, only: " + ", ".join(methods))
    if partial:
        raise _refused(target, "the password was accepted, but the host also wants: " + ", ".join(partial))


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
            f"{target.label} did not decide about the log-in of {target.username} within"
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
            f"{target.label} closed the connection during the log-in of {target.username}."
            " It may have too many log-ins at once, or block this address after failed ones.",
            *where(target),
        ) from err
    what = "key" if transport.auth_handler.auth_method == "publickey" else "password"
    raise _refused(target, f"the host refused the {what}") from err


def _refused(target: Target, reason: str) -> AuthenticationFailed:
    return AuthenticationFailed(
        f"Could not log in to {target.label} as {target.username}: {reason}. Check user and credentials.",
        *where(target),
    )
