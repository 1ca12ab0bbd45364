"""Files over SFTP on a real host, as the log-in user: what is done, and what hostile names and places do to it."""

import hashlib
import io
import os
import re
import stat
import subprocess
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tower_engine.errors import (
    FileCreationFailed,
    FileDownloadFailed,
    FileError,
    FileExists,
    FileMissing,
    FileTooLarge,
    FileUploadFailed,
)
from tower_engine.exit_codes import ExitCode
from tower_engine.ssh.files import Content, FileSession, IfExists, PushSpec

NAMES = [
    "plain",
    "two words",
    'it\'s "quoted" `x` $(x) $HOME \\',
    "line\nbreak\r\n",
    "Ünïcode 漢字 🙂",
    "-rf",
    "~",
    "~root",
    "*",
    ";rm -rf x",
    " ",
    "x" * 255,
    "ä" * 127,
]


def put(path, data: bytes = b"new", **options) -> PushSpec:
    return PushSpec(str(path), Content.from_bytes(data), **options)


def pulled(files, path, **options) -> bytes:
    out = io.BytesIO()
    files.pull(str(path), out, **options)
    return out.getvalue()


def belongs_to(path, user: str):
    """Make a path one of the log-in user, without following it; return it."""
    subprocess.run(["chown", "-hR", f"{user}:", str(path)], check=True)
    return path


@pytest.fixture
def old(host, folder):
    """A file of the log-in user that is there already."""
    path = folder / "old"
    path.write_bytes(b"old")
    path.chmod(0o640)
    return belongs_to(path, host.user)


class TestPush:
    @pytest.mark.parametrize("size", [0, 1, 4096, 255 * 1024, 255 * 1024 + 1, 3_000_000])
    def test_comes_back_as_it_was(self, files, folder, size):
        data = os.urandom(size)
        result = files.push(put(folder / "file", data))
        assert (result.outcome, result.size) == ("pushed", size)
        assert result.sha256 == hashlib.sha256(data).hexdigest()
        assert pulled(files, folder / "file") == data
        assert os.listdir(folder) == ["file"]

    @pytest.mark.parametrize("name", NAMES)
    def test_names_are_only_names(self, files, folder, name):
        files.push(put(folder / name, name.encode()))
        assert os.listdir(folder) == [name]
        files.push(put(folder / name, b"again", backup=len(name.encode()) < 200))
        assert pulled(files, folder / name) == b"again"
        assert files.stat(str(folder / name)).size == 5
        assert files.delete(str(folder / name)) and not (folder / name).exists()

    def test_streams_a_local_file(self, files, folder, tmp_path):
        (tmp_path / "local").write_bytes(b"from a file")
        files.push(PushSpec(str(folder / "file"), Content.from_path(tmp_path / "local")))
        assert (folder / "file").read_bytes() == b"from a file"

    def test_a_new_file_has_a_usual_mode_and_an_old_one_keeps_its_own(self, files, folder, old):
        files.push(put(folder / "new"))
        files.push(put(old))
        assert stat.S_IMODE((folder / "new").stat().st_mode) == 0o644
        assert stat.S_IMODE(old.stat().st_mode) == 0o640 and old.read_bytes() == b"new"

    @pytest.mark.parametrize("mode", [0o600, 0o755, 0o4755, 0o000])
    def test_mode(self, files, folder, old, mode):
        files.push(put(old, mode=mode))
        assert stat.S_IMODE(old.stat().st_mode) == mode

    def test_directories_are_made(self, files, folder):
        files.push(put(folder / "a/b c/d/file"))
        assert oct(stat.S_IMODE((folder / "a/b c").stat().st_mode)) == oct(0o755)
        with pytest.raises(FileCreationFailed, match="there is no directory .*/x\\. Create it"):
            files.push(put(folder / "x/y/z/file", make_directories=False))
        assert os.listdir(folder) == ["a"]

    def test_home_and_relative_paths(self, files, host):
        name = f"tower-test-{os.getpid()}"
        home = os.path.expanduser(f"~{host.user}")
        for path in (f"~/{name}", name, f"./{name}"):
            files.push(put(path, path.encode()))
            assert pulled(files, f"{home}/{name}") == path.encode()
            assert files.delete(path)

    @pytest.mark.parametrize("path", ["", "/", "/tmp/", "~", "~root/x", "/tmp/..", "a\0b", "/tmp/\udcff"])
    def test_paths_that_are_none(self, files, path):
        with pytest.raises(FileUploadFailed, match="path"):
            files.push(put(path))
        with pytest.raises(FileDownloadFailed, match="path"):
            files.stat(path)

    def test_progress(self, files, folder):
        seen = []
        files.push(put(folder / "file", bytes(5_000_000)), lambda done, total: seen.append((done, total)))
        assert seen[-1] == (5_000_000, 5_000_000) and seen == sorted(seen)
        seen.clear()
        files.pull(str(folder / "file"), io.BytesIO(), None, lambda done, total: seen.append((done, total)))
        assert seen[-1] == (5_000_000, 5_000_000) and seen == sorted(seen)

    def test_content_that_changes_while_it_is_sent(self, files, folder, old):
        for size in (2, 4):
            with pytest.raises(FileUploadFailed, match="changed on the Tower host"):
                files.push(PushSpec(str(old), Content(size, lambda: io.BytesIO(b"new"))))
        with pytest.raises(FileUploadFailed, match="No such file"):
            files.push(PushSpec(str(old), Content(3, lambda: open("/no/such", "rb"))))
        assert old.read_bytes() == b"old" and os.listdir(folder) == ["old"]


class TestIfExists:
    def test_skip(self, files, old, folder):
        result = files.push(put(old, if_exists=IfExists.SKIP))
        assert (result.outcome, result.size) == ("skipped", 3) and old.read_bytes() == b"old"
        assert files.push(put(folder / "other", if_exists=IfExists.SKIP)).outcome == "pushed"

    def test_raise(self, files, old, folder):
        with pytest.raises(FileExists, match="already exists") as caught:
            files.push(put(old, if_exists=IfExists.RAISE))
        assert caught.value.exit_code == ExitCode.FILE_CREATION_FAILED and old.read_bytes() == b"old"
        assert files.push(put(folder / "other", if_exists=IfExists.RAISE)).outcome == "pushed"
        assert sorted(os.listdir(folder)) == ["old", "other"]

    @pytest.mark.parametrize("choice", [IfExists.SKIP, IfExists.RAISE])
    def test_somebody_else_is_quicker(self, files, folder, choice):
        """The file appears after we looked and before we rename: theirs stays."""

        def slow():
            (folder / "file").write_bytes(b"theirs")
            return io.BytesIO(b"new")

        spec = PushSpec(str(folder / "file"), Content(3, slow), if_exists=choice)
        if choice is IfExists.SKIP:
            assert files.push(spec).outcome == "skipped"
        else:
            with pytest.raises(FileExists):
                files.push(spec)
        assert (folder / "file").read_bytes() == b"theirs"
        assert files.stat(str(folder / "file")) and os.listdir(folder) == ["file"]


class TestBackup:
    def test_keeps_what_was_replaced(self, files, old, folder):
        paths = [files.push(put(old, data, backup=True)).backup_path for data in (b"1", b"2", b"3")]
        assert re.fullmatch(r".*/old\.\d{8}T\d{6}Z(\.\d)?\.bak", paths[0])
        assert [open(path, "rb").read() for path in paths] == [b"old", b"1", b"2"]
        assert len(os.listdir(folder)) == 4 and old.read_bytes() == b"3"

    def test_a_new_file_has_none(self, files, folder):
        assert files.push(put(folder / "file", backup=True)).backup_path == ""

    def test_where_hard_links_cannot_be_made(self, files, old, monkeypatch):
        from tower_engine.ssh import sftp, sftp_wire

        offers = sftp.Sftp.offers
        monkeypatch.setattr(
            sftp.Sftp, "offers", lambda self, name: name != sftp_wire.HARDLINK and offers(self, name)
        )
        data = os.urandom(600_000)
        files.push(put(old, data))
        backup = files.push(put(old, backup=True)).backup_path
        assert open(backup, "rb").read() == data and stat.S_IMODE(os.stat(backup).st_mode) == 0o640


class TestPlaces:
    def test_a_link_stays_and_the_file_behind_it_is_replaced(self, files, old, folder):
        (folder / "link").symlink_to("old")
        (folder / "link to link").symlink_to(folder / "link")
        files.push(put(folder / "link to link"))
        assert old.read_bytes() == b"new" and (folder / "link to link").is_symlink()
        facts = files.stat(str(folder / "link"))
        assert facts.is_link and facts.size == 3 and facts.mode == 0o640
        assert sorted(os.listdir(folder)) == ["link", "link to link", "old"]

    def test_a_dangling_link_makes_the_file(self, files, folder):
        (folder / "link").symlink_to("target")
        assert files.stat(str(folder / "link")) is None
        files.push(put(folder / "link", if_exists=IfExists.RAISE))
        assert (folder / "target").read_bytes() == b"new" and (folder / "link").is_symlink()

    def test_a_dangling_link_into_nowhere(self, files, folder):
        (folder / "link").symlink_to("no/such/target")
        with pytest.raises(FileCreationFailed):
            files.push(put(folder / "link", make_directories=False))
        assert os.listdir(folder) == ["link"]

    def test_a_link_to_itself(self, files, folder):
        (folder / "link").symlink_to("link")
        with pytest.raises(FileCreationFailed, match="link"):
            files.push(put(folder / "link"))
        assert os.listdir(folder) == ["link"]

    def test_a_link_to_a_directory_and_a_directory(self, files, folder):
        (folder / "directory").mkdir()
        (folder / "link").symlink_to("directory")
        for name in ("directory", "link"):
            for choice in IfExists:
                with pytest.raises(FileCreationFailed, match="is a directory"):
                    files.push(put(folder / name, if_exists=choice))
            with pytest.raises(FileDownloadFailed, match="is a directory"):
                files.stat(str(folder / name))
            with pytest.raises(FileDownloadFailed, match="is a directory"):
                pulled(files, folder / name)
        with pytest.raises(FileUploadFailed, match="is a directory"):
            files.delete(str(folder / "directory"))
        assert files.delete(str(folder / "link")) and os.listdir(folder) == ["directory"]

    def test_a_link_in_a_parent(self, files, host, folder):
        belongs_to_user = folder / "real"
        belongs_to_user.mkdir()
        belongs_to(belongs_to_user, host.user)
        (folder / "link").symlink_to("real")
        files.push(put(folder / "link/deeper/file"))
        assert (folder / "real/deeper/file").read_bytes() == b"new"

    def test_a_parent_is_a_file(self, files, old):
        with pytest.raises(FileCreationFailed, match="is a file, not a directory"):
            files.push(put(old / "file"))
        with pytest.raises(FileCreationFailed, match="is a file, not a directory"):
            files.push(put(old / "deeper/file", make_directories=False))
        assert files.stat(str(old / "file")) is None and files.delete(str(old / "file")) is False
        with pytest.raises(FileMissing):
            pulled(files, old / "file")

    @pytest.mark.parametrize("place", ["pipe", "/dev/null", "/dev/zero"])
    def test_no_regular_file(self, files, folder, place):
        os.mkfifo(folder / "pipe")
        path = folder / place
        for action in (
            lambda: files.push(put(path)),
            lambda: pulled(files, path),
            lambda: files.stat(str(path), True),
        ):
            began = time.monotonic()
            with pytest.raises(FileError, match="not a regular file"):
                action()
            assert time.monotonic() - began < 2
        assert os.listdir(folder) == ["pipe"]

    def test_not_allowed(self, files, folder, account):
        if account is None:
            pytest.skip("needs root: everything here belongs to who runs the tests")
        roots = folder / "roots"
        roots.mkdir(mode=0o755)
        (roots / "file").write_bytes(b"roots")
        (roots / "file").chmod(0o600)
        with pytest.raises(FileCreationFailed, match="permission denied.*Use sudo") as caught:
            files.push(put(roots / "file"))
        assert str(roots / "file") in str(caught.value) and "127.0.0.1" in str(caught.value)
        with pytest.raises(FileCreationFailed, match="directory .*permission denied"):
            files.push(put(roots / "a/b"))
        with pytest.raises(FileDownloadFailed, match="permission denied"):
            pulled(files, roots / "file")
        with pytest.raises(FileUploadFailed, match="permission denied"):
            files.delete(str(roots / "file"))
        assert (roots / "file").read_bytes() == b"roots" and os.listdir(roots) == ["file"]

    def test_the_owner_is_kept_or_the_file_is_left_alone(self, files, folder, old, account):
        if account is None:
            pytest.skip("needs root: files of others")
        os.chown(old, 1, 1)
        with pytest.raises(FileUploadFailed, match="owner and group.*Use sudo"):
            files.push(put(old))
        assert old.read_bytes() == b"old" and os.listdir(folder) == ["old"]


class TestOwners:
    def test_names_and_numbers(self, files, folder, host, account):
        if account is None:
            pytest.skip("needs root: another log-in user")
        files.push(put(folder / "file", owner=host.user, group=host.user))
        facts = files.stat(str(folder / "file"))
        assert (facts.owner, facts.group) == (host.user, host.user)
        assert abs(facts.modified - time.time()) < 60
        files.push(put(folder / "file", owner=str(os.stat(folder / "file").st_uid)))
        for options in ({"owner": "root"}, {"group": "0"}):
            with pytest.raises(FileUploadFailed, match="owner and group"):
                files.push(put(folder / "file", **options))
        for options in ({"owner": "no such user"}, {"group": "-x"}, {"owner": "a:b"}, {"owner": "$(id)"}):
            with pytest.raises(FileCreationFailed, match="has no (user|group)"):
                files.push(put(folder / "file", **options))

    def test_hosts_that_do_not_tell_names(self, lab, host, folder, monkeypatch):
        from tower_engine.ssh import sftp, sftp_wire

        offers = sftp.Sftp.offers
        monkeypatch.setattr(
            sftp.Sftp, "offers", lambda self, name: name != sftp_wire.NAMES_BY_ID and offers(self, name)
        )
        (folder / "file").write_bytes(b"")
        os.chown(folder / "file", 54321, 0)
        with FileSession(lab.pool, lab.target(host)) as files:
            facts = files.stat(str(folder / "file"))
            assert (facts.owner, facts.group) == ("54321", "root")


class TestPull:
    def test_missing(self, files, folder):
        for action in (lambda: pulled(files, folder / "no"), lambda: files.tail(str(folder / "no"), 5)):
            with pytest.raises(FileMissing, match="there is no such file"):
                action()
        assert files.stat(str(folder / "no")) is None and files.delete(str(folder / "no")) is False

    def test_limit(self, files, folder):
        (folder / "file").write_bytes(bytes(1000))
        assert len(pulled(files, folder / "file", limit=1000)) == 1000
        with pytest.raises(FileTooLarge, match="larger than the allowed 999 bytes") as caught:
            pulled(files, folder / "file", limit=999)
        assert caught.value.exit_code == ExitCode.FILE_DOWNLOAD_FAILED

    def test_a_file_whose_size_is_a_lie(self, files):
        """The kernel says 0 bytes and gives many."""
        assert pulled(files, "/proc/cpuinfo")[:9] == b"processor"
        with pytest.raises(FileTooLarge):
            pulled(files, "/proc/cpuinfo", limit=10)

    def test_tail(self, files, folder):
        data = os.urandom(700_000)
        (folder / "file").write_bytes(data)
        for size in (0, 1, 1000, 600_000, 700_000, 800_000):
            assert files.tail(str(folder / "file"), size) == data[len(data) - min(size, len(data)) :]

    @pytest.mark.parametrize("size", [10, 2_000_000])
    def test_digest(self, files, folder, size):
        data = os.urandom(size)
        (folder / "a 'b").write_bytes(data)
        (folder / "a 'b").chmod(0o644)
        assert files.stat(str(folder / "a 'b"), True).sha256 == hashlib.sha256(data).hexdigest()
        assert files.stat(str(folder / "a 'b")).sha256 == ""

    def test_our_disk_is_full(self, files, folder):
        (folder / "file").write_bytes(b"x" * 100_000)
        with (
            pytest.raises(FileDownloadFailed, match="on the Tower host.*No space"),
            open("/dev/full", "wb", 0) as out,
        ):
            files.pull(str(folder / "file"), out)
        assert len(pulled(files, folder / "file")) == 100_000


class TestMany:
    def test_one_that_fails_does_not_stop_the_others(self, files, folder, old):
        (folder / "directory").mkdir()
        names = [f"deep/{n % 3}/{n}" for n in range(200)]
        names[50:50] = ["directory", "old/x"]
        results = {}
        files.push_many(
            (put(folder / name, name.encode() * 50) for name in names),
            lambda s, r: results.update({s.path: r}),
        )
        errors = {path for path, result in results.items() if isinstance(result, FileError)}
        assert errors == {str(folder / "directory"), str(folder / "old/x")} and len(results) == 202
        for name in names:
            if str(folder / name) not in errors:
                assert (folder / name).read_bytes() == name.encode() * 50
        assert not [name for _d, _n, found in os.walk(folder) for name in found if "tower" in name]

    def test_large_ones_among_them(self, files, folder):
        contents = {str(folder / str(n)): os.urandom(1_500_000 if n % 4 == 0 else n) for n in range(20)}
        files.push_many((put(path, data) for path, data in contents.items()), lambda _s, r: r.sha256)
        assert {path: open(path, "rb").read() for path in contents} == contents

    def test_what_a_listener_raises_comes_out_and_leaves_nothing(self, files, folder):
        def on_result(_spec, _result):
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            files.push_many((put(folder / str(n), bytes(500_000)) for n in range(50)), on_result)
        assert not [name for name in os.listdir(folder) if name.startswith(".")]
        assert files.push(put(folder / "more")).outcome == "pushed"  # the session goes on


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_any_name(files, folder, name):
    if name in (".", ".."):
        return
    path = folder / name
    files.push(put(path, name.encode()))
    assert os.listdir(folder) == [name]
    assert pulled(files, path) == name.encode() and files.delete(str(path))
