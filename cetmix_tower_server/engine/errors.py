"""The errors that the engine raises on purpose, each with the exit code that a run ends with."""

from __future__ import annotations

from enum import Enum

from .exit_codes import ExitCode


class EngineError(Exception):
    """Base of all errors that the engine raises on purpose.

    ``str(error)`` is a sentence for people and contains no secret; attributes carry the facts.
    """

    exit_code = ExitCode.GENERAL_ERROR


class ConnectError(EngineError):
    """No connection to a host could be established: nothing was sent.

    :param host: host name or address
    :param port: TCP port
    """

    exit_code = ExitCode.SSH_CONNECTION_ERROR

    def __init__(self, message: str, host: str = "", port: int = 0):
        super().__init__(message)
        self.host = host
        self.port = port


class NameResolutionError(ConnectError):
    """The host's name has no address."""


class ConnectionRefused(ConnectError):
    """Nothing listens on the port."""


class ConnectTimeout(ConnectError):
    """The host did not answer in time (TCP, banner, key exchange or authentication)."""


class HostKeyUnknown(ConnectError):
    """No host key is stored and skipping the check is not allowed."""

    def __init__(self, message: str, host: str = "", port: int = 0, actual: str = ""):
        super().__init__(message, host, port)
        self.actual = actual


class HostKeyMismatch(ConnectError):
    """The host shows another key than the stored one; both are SHA-256 fingerprints."""

    def __init__(self, message: str, host: str = "", port: int = 0, expected: str = "", actual: str = ""):
        super().__init__(message, host, port)
        self.expected = expected
        self.actual = actual


class AuthenticationFailed(ConnectError):
    """The host refused the user, key or password."""


class KeyFileError(ConnectError):
    """The private key cannot be read: wrong format or passphrase."""


class ChannelRefused(ConnectError):
    """The host accepted the log-in but refuses another session.

    :param sessions: how many of ours were open on that connection when it refused
    """

    def __init__(self, message: str, host: str = "", port: int = 0, sessions: int = 0):
        super().__init__(message, host, port)
        self.sessions = sessions


class ConnectionLost(ConnectError):
    """The connection broke."""


class RenderingError(EngineError):
    """A template is malformed or a value is missing: nothing was sent."""

    exit_code = ExitCode.RENDERING_FAILED


class OutOfBudget(RenderingError):
    """A text of an author (template, pattern, modifier, condition) needs too much time or memory."""


class UndefinedVariable(RenderingError):
    """A variable without a value was to be printed."""

    def __init__(self, message: str, variable: str = ""):
        super().__init__(message)
        self.variable = variable


class ValueInvalid(RenderingError):
    """A value does not match the pattern of its variable."""


class VariableCycle(RenderingError):
    """Variables refer to each other in a loop; ``path`` names it from start to start."""

    def __init__(self, message: str, path: tuple[str, ...] = ()):
        super().__init__(message)
        self.path = path


class ConditionInvalid(EngineError):
    """The condition of a plan's line cannot be evaluated. Never a reason to skip the line.

    :param summary: the message without values of variables, for people who may not see them
    """

    exit_code = ExitCode.CONDITION_INVALID

    def __init__(self, message: str, summary: str = ""):
        super().__init__(message)
        self.summary = summary or message


class SecretNotFound(EngineError):
    """A secret that the code names has no value in this context."""

    exit_code = ExitCode.SECRET_NOT_FOUND

    def __init__(self, message: str, reference: str = ""):
        super().__init__(message)
        self.reference = reference


class ScriptError(EngineError):
    """The code cannot be sent: it contains a NUL byte, asks for sudo in raw mode ..."""


class SudoReason(str, Enum):
    """Why sudo did not run the command."""

    REFUSED_PASSWORD = "refused_password"
    NO_PASSWORD_STORED = "no_password_stored"
    PASSWORD_REQUIRED = "password_required"
    TERMINAL_REQUIRED = "terminal_required"
    NOT_ALLOWED = "not_allowed"
    NOT_FOUND = "not_found"


class FileError(EngineError):
    """An operation on a host's file failed.

    :param path: the file, as it was asked for
    :param host: what messages call the host
    """

    def __init__(self, message: str, path: str = "", host: str = ""):
        super().__init__(message)
        self.path = path
        self.host = host


class FileCreationFailed(FileError):
    """The file cannot be created. None of its content was sent, and an existing file is untouched."""

    exit_code = ExitCode.FILE_CREATION_FAILED


class FileExists(FileCreationFailed):
    """A file exists already and was not to be replaced."""


class FileUploadFailed(FileError):
    """The content did not arrive, or the file could not be put in place or deleted."""

    exit_code = ExitCode.FILE_UPLOAD_FAILED


class FileDownloadFailed(FileError):
    """The file, or facts about it, cannot be read."""

    exit_code = ExitCode.FILE_DOWNLOAD_FAILED


class FileMissing(FileDownloadFailed):
    """There is no such file."""


class FileTooLarge(FileDownloadFailed):
    """The file is larger than allowed."""


class TransferTimedOut(EngineError):
    """The time limit for work with a host's files was reached.

    :param may_run_on: something was started on the host, and the host did not confirm that it has ended
    """

    exit_code = ExitCode.COMMAND_TIMED_OUT

    def __init__(self, message: str, may_run_on: bool = False):
        super().__init__(message)
        self.may_run_on = may_run_on


class ScriptNotRun(EngineError):
    """The shell of a host did not accept one of Tower's scripts. None of it was run."""


class SudoFailed(EngineError):
    """sudo refused to run the script that works with files. Nothing was changed.

    :param reason: None when sudo did not answer
    """

    exit_code = ExitCode.SUDO_FAILED

    def __init__(self, message: str, reason: SudoReason | None = None):
        super().__init__(message)
        self.reason = reason


class VaultError(EngineError):
    """A stored secret cannot be decrypted: its key is missing, or the value was moved or changed."""
