"""Pushes, pulls, compares and deletes the files of a run on its host, one after the other. Imports no Odoo."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..engine.errors import EngineError, FileDownloadFailed, FileError
from ..engine.exit_codes import ExitCode
from ..engine.files.document import FileDocument
from ..engine.files.operations import (
    COMPARE,
    DELETE,
    DELETED,
    DIFFERS,
    FAILED,
    MISSING,
    PULL,
    PULLED,
    PUSH,
    SAME,
    UNCHANGED,
)
from ..engine.masking.hidden_places import Template, hide
from ..engine.masking.masker import Masker
from ..engine.run_end import RunEnd
from ..engine.script.conversation import SudoMode
from ..engine.secret import Secret
from ..engine.ssh.files import Content, FileSession, HostFile, IfExists, Owner, PushResult, PushSpec
from ..engine.ssh.running.stopping import StopRequested
from ..engine.ssh.target import Target
from . import connections, crash_points
from .file_store import FileStore

if TYPE_CHECKING:
    from .job import Job

SMALL = 256 * 1024  # bytes: smaller files are pushed together, without progress of their own
TEXT_LIMIT = 5 * 1024 * 1024  # bytes of a text that is pulled
SHOWN_LIMIT = 1024 * 1024  # bytes of a text on the host that is shown next to ours
# Characters of texts from the host that a run carries along; more is in the filestore
TEXT_IN_MEMORY = 8 * 1024 * 1024
MESSAGE_LIMIT = 2000  # characters of a reason that are kept
# Of several errors, the first one in this order is the run's; otherwise the first that occurred.
WORST_FIRST = (
    ExitCode.SSH_CONNECTION_ERROR,
    ExitCode.COMMAND_TIMED_OUT,
    ExitCode.SUDO_FAILED,
    ExitCode.FILE_CREATION_FAILED,
    ExitCode.FILE_UPLOAD_FAILED,
    ExitCode.FILE_DOWNLOAD_FAILED,
)


@dataclass(frozen=True)
class FileTask:
    """One file of a run.

    :param document: what was frozen when the run was started, see ``cx.tower.file._freeze``
    :param content: what is pushed or compared, secrets resolved
    :param template: the same with the places of its secrets, for comparing
    """

    document: FileDocument
    content: Content | None = None
    template: Template = Template()

    @property
    def path(self) -> str:
        return self.document.path

    def spec(self) -> PushSpec:
        """Return how the file is pushed."""
        document = self.document
        return PushSpec(
            path=document.path,
            content=self.content,
            mode=int(document.mode, 8) if document.mode else None,
            owner=document.owner,
            group=document.group,
            backup=document.backup,
            if_exists=IfExists(document.if_exists),
        )


@dataclass(frozen=True)
class FileRun:
    """All files of a run on one host.

    :param tasks: in the order of the run's documents
    :param sudo: how sudo is used for those files that want it
    :param store: where pulled content goes that is no text; None: it comes back as bytes
    :param owner: whose temporary files on the host are whose
    """

    target: Target
    tasks: Sequence[FileTask]
    masker__: Masker
    sudo: SudoMode
    sudo_password: Secret | None
    timeout_s: float
    silence_timeout_s: float
    store: FileStore | None = None
    owner: Owner | None = None

    def perform(self, job: Job) -> RunEnd:
        """Do the work of all files; an error with one does not affect the others. Returns the end of the run."""
        return _Performance(self, job).perform()


class _Performance:
    def __init__(self, run: FileRun, job: Job):
        self.run = run
        self.job = job
        self.results: dict[int, dict[str, Any]] = {}
        self.text_size = 0  # characters of texts from the host that are in the results
        self.outcome = ""  # nothing was tried on the host so far
        self.may_run_on = False  # a script of it, on the host

    def perform(self) -> RunEnd:
        for index, task in enumerate(self.run.tasks):
            if task.document.error:  # it could not be rendered when the run was started
                self._note(index, _failure(task.document.error, task.document.exit_code))
        for with_sudo in (False, True):
            wanted = [
                (index, task)
                for index, task in enumerate(self.run.tasks)
                if index not in self.results and task.document.sudo is with_sudo
            ]
            if wanted:
                self._perform_in_session(wanted, with_sudo)
        return self._end()

    def _perform_in_session(self, wanted: list[tuple[int, FileTask]], with_sudo: bool) -> None:
        """Do the work of files that are reached in the same way. An error that is not about one file ends all of them."""
        run = self.run
        try:
            with FileSession(
                connections.get_pool(),
                run.target,
                sudo=run.sudo if with_sudo else SudoMode.NONE,
                sudo_password=run.sudo_password if with_sudo else None,
                stop=self.job.stop,
                timeout_s=run.timeout_s,
                silence_timeout_s=run.silence_timeout_s,
                owner=run.owner,
            ) as session:
                self._push_small(session, wanted)
                for index, task in wanted:
                    if index not in self.results:
                        self._perform_one(session, index, task)
            self.outcome = self.outcome or "completed"
        except StopRequested as request:
            self.outcome = "stopped"
            self.may_run_on = request.may_run_on
            self._fail_rest(wanted, "Stopped on request.", ExitCode.COMMAND_STOPPED)
        except EngineError as error:
            if error.exit_code == ExitCode.COMMAND_TIMED_OUT:
                self.outcome = "timed_out"
            self.may_run_on = getattr(error, "may_run_on", False)
            self._fail_rest(wanted, str(error), error.exit_code)

    def _push_small(self, session: FileSession, wanted: list[tuple[int, FileTask]]) -> None:
        small = {
            id(spec): (index, task, spec)
            for index, task in wanted
            if _is_plain_push(task) and task.content.size <= SMALL
            for spec in [task.spec()]
        }
        if len(small) < 2:
            return

        def on_result(spec: PushSpec, result: PushResult | FileError) -> None:
            index, _task, _spec = small[id(spec)]
            is_error = isinstance(result, Exception)
            self._note(index, _failure(result, result.exit_code) if is_error else _pushed(result))

        session.push_many([spec for _index, _task, spec in small.values()], on_result)

    def _perform_one(self, session: FileSession, index: int, task: FileTask) -> None:
        work = {PUSH: self._push, PULL: self._pull, COMPARE: self._compare, DELETE: self._delete}
        try:
            result = work[task.document.operation](session, task)
        except FileError as error:
            result = _failure(error, error.exit_code)
        except OSError as error:  # of Tower's own disk
            is_pull = task.document.operation == PULL
            code = ExitCode.FILE_DOWNLOAD_FAILED if is_pull else ExitCode.FILE_UPLOAD_FAILED
            result = _failure(f"Tower could not {'store' if is_pull else 'read'} it: {error}", code)
        self._note(index, result)

    # ------------------------------------------------------------------ one file

    def _push(self, session: FileSession, task: FileTask) -> dict[str, Any]:
        if task.document.only_changes:
            on_host = session.stat(task.path, digest=True)
            if on_host and not _differences(task, on_host):
                return {"outcome": UNCHANGED, "size": on_host.size}
        result = session.push(task.spec(), on_progress=self._progress_of(task))
        return _pushed(result)

    def _pull(self, session: FileSession, task: FileTask) -> dict[str, Any]:
        on_progress = self._progress_of(task)
        if task.document.file_type == "binary":
            return self._pull_binary(session, task, on_progress)
        buffer = io.BytesIO()
        on_host = session.pull(task.path, buffer, limit=TEXT_LIMIT, on_progress=on_progress, digest=False)
        data = buffer.getvalue()
        if b"\0" in data:
            raise FileDownloadFailed(
                f"{task.path} is not a text file: it contains NUL characters. Set its type to “Binary”."
            )
        try:
            text = data.decode()
        except UnicodeDecodeError:
            raise FileDownloadFailed(
                f"{task.path} is not a UTF-8 text file. Set its type to “Binary”."
            ) from None
        return {"outcome": PULLED, "size": on_host.size, **self._kept_text(self.run.masker__.mask(text))}

    def _pull_binary(self, session: FileSession, task: FileTask, on_progress) -> dict[str, Any]:
        if not self.run.store:
            raise FileDownloadFailed("Binary files can be pulled only where attachments are stored as files.")
        blob = self.run.store.save(
            lambda file: session.pull(task.path, file, on_progress=on_progress, digest=False)
        )
        crash_points.reached("file_stored")
        return {"outcome": PULLED, "size": blob.size, "checksum": blob.checksum, "blob": blob.name}

    def _compare(self, session: FileSession, task: FileTask) -> dict[str, Any]:
        on_host = session.stat(task.path, digest=True)
        if on_host is None:
            return {"outcome": MISSING, "size": 0}
        facts = {
            "size": on_host.size,
            "mode": f"{on_host.mode & 0o7777:03o}",
            "owner": on_host.owner,
            "group": on_host.group,
        }
        if task.content is None:  # a pulled file has no content in Tower to compare with
            return {"outcome": SAME, **facts}
        found = _differences(task, on_host)
        result = {"outcome": DIFFERS if found else SAME, "note": " ".join(found), **facts}
        if task.document.file_type == "binary":
            return result | {"sha256": on_host.sha256, "own_sha256": _digest(task.content)}
        return result | self._shown_text(session, task, on_host)

    def _shown_text(self, session: FileSession, task: FileTask, on_host: HostFile) -> dict[str, Any]:
        """Return the host's text with secrets hidden, for the comparison with ours."""
        if on_host.size > SHOWN_LIMIT:
            return {"note": f"It is too large to show: {on_host.size} bytes."}
        buffer = io.BytesIO()
        session.pull(task.path, buffer, limit=SHOWN_LIMIT, digest=False)
        text = buffer.getvalue().decode(errors="replace")
        text = text.replace("\0", "\N{SYMBOL FOR NULL}")
        return self._kept_text(hide(task.template, text, self.run.masker__))

    def _kept_text(self, text: str) -> dict[str, Any]:
        """Return a text from the host for the result, or store it: the texts of many files do not fit into memory together."""
        self.text_size += len(text)
        if self.text_size <= TEXT_IN_MEMORY or not self.run.store:
            return {"code": text}
        self.text_size -= len(text)
        return {"code_blob": self.run.store.save(lambda file: file.write(text.encode())).name}

    def _delete(self, session: FileSession, task: FileTask) -> dict[str, Any]:
        return {"outcome": DELETED if session.delete(task.path) else MISSING, "size": 0}

    # ------------------------------------------------------------------ telling about it

    def _progress_of(self, task: FileTask):
        total = len(self.run.tasks)
        if total > 1:
            return None

        def on_progress(done: int, size: int) -> None:
            crash_points.reached("file_progress")
            self.job.progress(done, size, self.run.masker__.mask(task.path))

        return on_progress

    def _note(self, index: int, result: dict[str, Any]) -> None:
        """Store the result of a file and print it to the output."""
        path = self.run.tasks[index].path or self.run.tasks[index].document.name
        result["message"] = self.run.masker__.mask(result.get("message") or "")[:MESSAGE_LIMIT]
        self.results[index] = result
        stream = "e" if result["outcome"] == FAILED else "o"
        self.job.recorder.append(stream, self.run.masker__.mask(_line(path, result)) + "\n")
        total = len(self.run.tasks)
        if total > 1:
            self.job.progress(len(self.results), total, "")

    def _fail_rest(self, wanted: list[tuple[int, FileTask]], text: str, exit_code: int) -> None:
        for index, _task in wanted:
            if index not in self.results:
                self._note(index, _failure(text, exit_code))

    def _end(self) -> RunEnd:
        results = [self.results[index] for index in range(len(self.run.tasks))]
        failed = [
            (task, result)
            for task, result in zip(self.run.tasks, results, strict=True)
            if result["outcome"] == FAILED
        ]
        end = RunEnd(
            int(ExitCode.OK),
            outcome=self.outcome or "",
            stop_confirmed=False if self.may_run_on else None,
            columns={"run_result": {"files": results}},
        )
        if self.outcome == "stopped":
            return replace(
                end,
                exit_code=int(ExitCode.COMMAND_STOPPED),
                message="Stopped on request.",
                stop_confirmed=not self.may_run_on,
            )
        if failed:
            task, result = failed[0]
            text = _with_path(task.path or task.document.name, result["message"])
            if len(results) > 1:
                text = f"{len(failed)} of {len(results)} files failed. The first: {text}"
            text = self.run.masker__.mask(text)
            codes = {result["exit_code"] for _task, result in failed}
            worst = next((code for code in WORST_FIRST if code in codes), failed[0][1]["exit_code"])
            end = replace(end, exit_code=int(worst), message=text, error=text)
        return end


def _is_plain_push(task: FileTask) -> bool:
    return task.document.operation == PUSH and not task.document.only_changes


def _failure(error: object, exit_code: int) -> dict[str, Any]:
    return {"outcome": FAILED, "message": str(error), "exit_code": int(exit_code)}


def _pushed(result: PushResult) -> dict[str, Any]:
    values = {"outcome": result.outcome, "size": result.size, "message": result.message}
    if result.backup_path:
        values["backup_path"] = result.backup_path
    return values


def _differences(task: FileTask, on_host: HostFile) -> list[str]:
    """Return sentences about what a push would change, found by comparing the real bytes."""
    spec = task.spec()
    found = []
    if on_host.size != spec.content.size or on_host.sha256 != _digest(spec.content):
        found.append("The content differs.")
    if spec.mode is not None and on_host.mode & 0o7777 != spec.mode:
        found.append(f"Permissions are {on_host.mode & 0o7777:03o}, not {spec.mode:03o}.")
    for what, wanted, actual in (("Owner", spec.owner, on_host.owner), ("Group", spec.group, on_host.group)):
        if wanted and wanted != actual:
            found.append(f"{what} is {actual}, not {wanted}.")
    return found


def _digest(content: Content) -> str:
    digest = hashlib.sha256()
    with content.open() as file:
        while block := file.read(1024 * 1024):
            digest.update(block)
    return digest.hexdigest()


def _line(path: str, result: Mapping[str, Any]) -> str:
    if result["outcome"] == FAILED:
        return _with_path(path, result["message"])
    parts = [f"{path}: {result['outcome']}"]
    if result.get("size"):
        parts.append(f"{result['size']} bytes")
    if result.get("backup_path"):
        parts.append(f"backup {result['backup_path']}")
    parts += [result[name] for name in ("note", "message") if result.get(name)]
    return ", ".join(parts)


def _with_path(path: str, message: str) -> str:
    """Return a message that names its file; most of the engine's messages already do."""
    return message if path and path in message else f"{path}: {message}"
