"""From what a server refuses to a sentence for a person."""

from __future__ import annotations

from ...errors import FileError
from .. import sftp_wire as wire
from ..sftp_wire import SftpError, SftpStatus, SftpUnavailable
from ..target import Target

_REASONS = {
    wire.NO_SUCH_FILE: "there is no such file or directory",
    wire.PERMISSION_DENIED: "permission denied",
    wire.BAD_MESSAGE: "the host does not accept the name; it may be too long",
    wire.UNSUPPORTED: "the host's SFTP server does not support it",
}
NO_SFTP = (
    "{host} does not offer SFTP ({reason}), so files cannot be transferred."
    " Enable the subsystem in its sshd (Subsystem sftp internal-sftp)."
)


def failure(
    kind: type[FileError], path: str, target: Target, what: str, why: str = "", advice: str = ""
) -> FileError:
    """Return an error that says file, host, what failed, why and what to do."""
    text = f"{path} on {target.label}: {what}{': ' + why if why else ''}."
    return kind(f"{text} {advice}".strip(), path, target.label)


def from_sftp(
    kind: type[FileError],
    path: str,
    target: Target,
    what: str,
    err: SftpError,
    why: str = "",
    sudo: bool = False,
) -> FileError:
    """Return the error for what the SFTP server did.

    :param why: a better reason than the server's own
    """
    if isinstance(err, SftpUnavailable):
        return kind(NO_SFTP.format(host=target.label, reason=err), path, target.label)
    if not isinstance(err, SftpStatus):
        text = f"{path}: the SFTP server of {target.label} violates the protocol: {err}."
        return kind(
            f"{text} Try again. If the problem persists, check the SFTP server on the host.",
            path,
            target.label,
        )
    denied = err.code == wire.PERMISSION_DENIED and not why
    advice = f"Use sudo for the server, or give {target.username} the right to do it." if denied else ""
    words = err.text if err.text not in ("", "Failure") else "the host gives no reason"
    return failure(kind, path, target, what, why or _REASONS.get(err.code, words), advice)


def kind_of(attributes: wire.Attributes) -> str:
    """Return what is there when it is not a regular file."""
    if attributes.is_directory:
        return "a directory"
    return "not a regular file but a device, socket or named pipe"
