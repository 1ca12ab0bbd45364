"""A host without a host: files in a dictionary, behind the engine's session."""

import hashlib
from unittest.mock import patch

from ...engine.errors import FileExists, FileMissing, FileTooLarge, FileUploadFailed
from ...engine.ssh.files import HostFile, IfExists, PushResult
from ...worker import file_work
from ..run.run_case import RunCase


class FakeHost:
    """The files of a host, and what was asked of it."""

    def __init__(self):
        self.files = {}  # path: (bytes, mode)
        self.calls = []
        self.failures = {}  # path: exception
        self.connect_error = None
        self.options = []  # of each session

    def session(self, _pool, _target, **options):
        self.options.append(options)
        return FakeSession(self)


class FakeSession:
    def __init__(self, host):
        self.host = host

    def __enter__(self):
        if self.host.connect_error:
            raise self.host.connect_error
        return self

    def __exit__(self, *_error):
        return False

    def push(self, spec, on_progress=None):
        self.host.calls.append(("push", spec.path))
        if spec.path in self.host.failures:
            raise self.host.failures[spec.path]
        if spec.path in self.host.files and spec.if_exists is IfExists.SKIP:
            return PushResult(spec.path, "skipped", 0, "", message="The file exists.")
        if spec.path in self.host.files and spec.if_exists is IfExists.RAISE:
            raise FileExists(f"{spec.path} exists")
        with spec.content.open() as file:
            data = file.read()
        if on_progress:
            on_progress(len(data), len(data))
        backup = f"{spec.path}.bak" if spec.backup and spec.path in self.host.files else ""
        if backup:
            self.host.files[backup] = self.host.files[spec.path]
        self.host.files[spec.path] = (data, spec.mode or 0o644)
        return PushResult(
            spec.path, "pushed", len(data), hashlib.sha256(data).hexdigest(), backup_path=backup
        )

    def push_many(self, specs, on_result):
        self.host.calls.append(("push_many", ""))
        for spec in specs:
            try:
                on_result(spec, self.push(spec))
            except (FileUploadFailed, FileExists) as error:
                on_result(spec, error)

    def pull(self, path, out, limit=None, on_progress=None, digest=True):
        self.host.calls.append(("pull", path))
        if path in self.host.failures:
            raise self.host.failures[path]
        if path not in self.host.files:
            raise FileMissing(f"{path} is not there")
        data, _mode = self.host.files[path]
        if limit is not None and len(data) > limit:
            raise FileTooLarge(f"{path} is too large")
        out.write(data)
        return self.stat(path)

    def stat(self, path, digest=False):
        self.host.calls.append(("stat", path))
        if path not in self.host.files:
            return None
        data, mode = self.host.files[path]
        sha256 = hashlib.sha256(data).hexdigest() if digest else ""
        return HostFile(path, len(data), mode, "root", "root", 0.0, sha256)

    def delete(self, path):
        self.host.calls.append(("delete", path))
        if path in self.host.failures:
            raise self.host.failures[path]
        return self.host.files.pop(path, None) is not None


class FileCase(RunCase):
    """Files, templates, and a host that is a dictionary."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.File = cls.env["cx.tower.file"]
        cls.Template = cls.env["cx.tower.file.template"]
        cls.server.ssh_password = "a password"
        cls.server.skip_host_key = True

    def setUp(self):
        super().setUp()
        self.host = FakeHost()
        self.startPatcher(patch.object(file_work, "FileSession", self.host.session))

    def file(self, **values):
        """Make a file on the test's server."""
        return self.File.create(
            {
                "name": "app.conf",
                "server_dir": "/etc/app",
                "server_id": self.server.id,
                "code": "one\n",
                **values,
            }
        )

    def template(self, **values):
        """Make a file template."""
        return self.Template.create(
            {"name": "Web", "file_name": "web.conf", "server_dir": "/etc/web", "code": "x\n", **values}
        )

    def variable(self, reference, value=None, **values):
        """Make a variable, with a global value."""
        variable = self.env["cx.tower.variable"].create({"name": reference, "reference": reference, **values})
        if value is not None:
            self.env["cx.tower.variable.value"].create({"variable_id": variable.id, "value_char": value})
        return variable

    def command(self, template, **values):
        """Make a command that makes a file from a template."""
        return self.env["cx.tower.command"].create(
            {"name": "Make file", "action": "file_using_template", "file_template_id": template.id, **values}
        )

    def sync(self):
        """Do what the cron does."""
        self.env.flush_all()
        self.File._run_auto_pull_files()
        self.env.invalidate_all()

    def last_log(self):
        """Return the newest run."""
        return self.env["cx.tower.command.log"].search([], order="id desc", limit=1)
