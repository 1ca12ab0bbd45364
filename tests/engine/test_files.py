"""Files against an SFTP server that lies, and the shell code that works with files for root."""

import importlib.util
import io
import shlex
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tower_engine.errors import (
    ConnectionLost,
    FileCreationFailed,
    FileDownloadFailed,
    FileTooLarge,
    FileUploadFailed,
    TransferTimedOut,
)
from tower_engine.ssh import sftp
from tower_engine.ssh import sftp_wire as wire
from tower_engine.ssh.files import Content, FileSession, IfExists, Owner, PushSpec, link, scripts

spec = importlib.util.spec_from_file_location("sftp_peer", Path(__file__).parent / "sftp_peer.py")
peers = sys.modules["sftp_peer"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(peers)
Peer, Pool, packet = peers.Peer, peers.Pool, peers.packet


def session(peer: Peer, **options) -> FileSession:
    return FileSession(Pool(peer), peers.TARGET, **({"timeout_s": 5} | options))


def put(path: str = "/file", data: bytes = b"new", **options) -> PushSpec:
    return PushSpec(path, Content.from_bytes(data), **options)


def pull(files: FileSession, path: str = "/file", **options) -> bytes:
    out = io.BytesIO()
    files.pull(path, out, **options)
    return out.getvalue()


def names(peer: Peer) -> set[str]:
    return set(peer.files)


class TestHonest:
    @settings(max_examples=30)
    @given(st.integers(300, 70_000), st.integers(0, 300_000))
    @example(1, 1000)
    def test_answers_in_pieces_of_any_size(self, chunk, size):
        data = bytes(range(256)) * (size // 256 + 1)
        peer = Peer({"/old": data}, chunk=chunk)
        with session(peer, timeout_s=60) as files:
            files.push(put(data=data[:size]))
            assert pull(files) == data[:size] and pull(files, "/old") == data

    def test_limits_of_the_server_are_kept(self):
        sizes = []
        lies = {
            wire.WRITE: lambda _p, _n, reader: sizes.append(
                len((reader.string(), reader.offset(), reader.string())[2])
            )
        }
        for limit, longest in ((0, 32 * 1024), (50_000, 50_000), (1 << 40, 255 * 1024), (1, 32 * 1024)):
            sizes.clear()
            with session(Peer(lies=lies, limits=(limit, limit, limit, 0))) as files:
                files.push(put(data=bytes(600_000)))
            assert max(sizes) == longest and sum(sizes) == 600_000

    def test_what_is_in_flight_is_bounded(self):
        most = 0

        def watch(*_):
            nonlocal most
            most = max(most, work.in_flight)

        with session(Peer({"/old": bytes(20_000_000)}, {wire.WRITE: watch, wire.READ: watch})) as files:
            files.stat("/old")
            work = files._access._link.sftp
            files.push(put(data=bytes(20_000_000)))
            pull(files, "/old")
            assert sftp.SAFE_LENGTH < most <= sftp.IN_FLIGHT_BYTES + sftp.MAX_LENGTH
            assert work.in_flight == 0 and not work._waiting

    def test_a_small_file_is_three_round_trips(self):
        """Look and open; content and all that belongs to it; rename."""
        peer = Peer()
        waits = []
        with session(peer) as files:
            files.stat("/x")
            work = files._access._link.sftp
            exchange = work._exchange
            work._exchange = lambda *args: (waits.append(1), exchange(*args))
            files.push(put())
        assert len(waits) == 3 and peer.files == {"/file": b"new"}

    def test_without_extensions(self):
        peer = Peer(extensions={})
        with session(peer) as files:
            files.push(put())
            assert pull_facts(files) == ("7", "8")
            with pytest.raises(FileUploadFailed, match="cannot replace a file in one step.*Delete"):
                files.push(put(data=b"other"))
        assert peer.files == {"/file": b"new"}


def pull_facts(files):
    files._access.names._run = lambda _code: type("Result", (), {"stdout": ""})
    facts = files.stat("/file")
    return facts.owner, facts.group


def lie(answer):
    return lambda _peer, number, _reader: answer(number)


def data_of(size):
    return lambda number: packet(wire.DATA, wire.number(number), wire.string(bytes(size)))


def status(code):
    return lambda number: Peer().status(number, code)


NONSENSE = {
    "too much data": {wire.READ: lie(data_of(sftp.MAX_LENGTH))},
    "no data and no end": {wire.READ: lie(data_of(0))},
    "a length beyond the answer": {
        wire.READ: lie(lambda n: packet(wire.DATA, wire.number(n), wire.number(9), b"x"))
    },
    "success instead of data": {wire.READ: lie(status(wire.OK))},
    "a handle instead of data": {
        wire.READ: lie(lambda n: packet(wire.HANDLE, wire.number(n), wire.string("x")))
    },
    "an answer to nothing": {wire.READ: lie(lambda n: data_of(1)(n + 1000))},
    "an empty answer": {wire.READ: lie(lambda n: packet(wire.DATA))},
    "an answer of no length": {wire.READ: lie(lambda n: bytes(4))},
    "an answer that is enormous": {wire.READ: lie(lambda n: b"\xff" * 8)},
    "a handle that is enormous": {
        wire.OPEN: lie(lambda n: packet(wire.HANDLE, wire.number(n), wire.string(bytes(300))))
    },
    "cut attributes": {wire.STAT: lie(lambda n: packet(wire.ATTRS, wire.number(n), wire.number(0xF)))},
    "endless attributes": {
        wire.STAT: lie(
            lambda n: packet(wire.ATTRS, wire.number(n), wire.number(0x80000000), wire.number(0xFFFFFFFF))
        )
    },
    "no status": {wire.OPEN: lie(lambda n: packet(wire.STATUS, wire.number(n)))},
}


class TestLies:
    @pytest.mark.parametrize("lies", NONSENSE.values(), ids=NONSENSE)
    def test_nonsense_ends_the_transfer(self, lies):
        peer = Peer({"/file": b"old"}, lies)
        with session(peer) as files:
            began = time.monotonic()
            with pytest.raises(FileDownloadFailed, match="protocol|cannot be"):
                pull(files)
            assert peers.soon(began)
            peer.lies = {}
            assert pull(files) == b"old"  # over another channel

    @pytest.mark.parametrize(
        "kind", [wire.OPEN, wire.WRITE, wire.FSTAT, wire.FSETSTAT, wire.CLOSE, wire.EXTENDED]
    )
    @pytest.mark.parametrize("code", [wire.FAILURE, wire.PERMISSION_DENIED, wire.UNSUPPORTED, 77])
    def test_whatever_is_refused_the_target_stays(self, kind, code):
        """EXTENDED is the flushing and the rename."""
        peer = Peer({"/file": b"old"})
        with session(peer) as files:
            files.stat("/file")
            peer.lies = {kind: lie(status(code))}
            with pytest.raises((FileUploadFailed, FileCreationFailed)):
                files.push(put(data=bytes(100_000)))
            assert peer.files["/file"] == b"old" and names(peer) == {"/file"}
            peer.lies = {}
            assert files.push(put()).size == 3

    def test_a_rename_is_never_sent_before_the_content_is_confirmed(self):
        """The write fails late, as on a disk that is full: everything behind it is on its way already."""
        peer = Peer({"/file": b"old"}, {wire.WRITE: lie(status(wire.FAILURE))})
        with session(peer) as files, pytest.raises(FileUploadFailed):
            files.push(put())
        assert wire.RENAME not in peer.asked and peer.files == {"/file": b"old"}

    def test_a_size_that_is_wrong(self):
        wrong = lie(lambda n: packet(wire.ATTRS, wire.number(n), struct.pack(">IQ", 1, 2)))
        peer = Peer({"/file": b"old"}, {wire.FSTAT: wrong})
        with (
            session(peer) as files,
            pytest.raises(FileUploadFailed, match="did not arrive completely.*2 of 3"),
        ):
            files.push(put())
        assert peer.files == {"/file": b"old"}

    def test_short_reads_are_asked_for_again(self):
        def some(peer, number, reader):
            reader.string()
            position, length = reader.offset(), reader.number()
            data = bytes(peer.files["/file"][position : position + max(length // 3, 1)])
            return packet(wire.DATA, wire.number(number), wire.string(data)) if data else None

        data = bytes(range(256)) * 1000
        with session(Peer({"/file": data}, {wire.READ: some})) as files:
            assert pull(files) == data
            assert files.tail("/file", 1000) == data[-1000:]

    def test_data_without_an_end(self):
        def more(_peer, number, reader):
            reader.string(), reader.offset()
            return data_of(reader.number())(number)

        with session(Peer({"/file": b"old"}, {wire.READ: more}), timeout_s=1) as files:
            with pytest.raises(FileTooLarge):
                pull(files, limit=10_000_000)
            assert files.tail("/file", 2) == bytes(2)
            with pytest.raises(TransferTimedOut):
                files.pull("/file", open("/dev/null", "wb"))

    def test_a_size_beyond_everything(self):
        huge = lie(lambda n: packet(wire.ATTRS, wire.number(n), struct.pack(">IQI", 5, 1 << 63, 0o100644)))
        with session(Peer({"/file": b"old"}, {wire.STAT: huge})) as files:
            assert pull(files) == b"old"
            with pytest.raises(FileTooLarge):
                pull(files, limit=100)

    def test_a_file_without_a_kind_is_none(self):
        nothing = lie(lambda n: packet(wire.ATTRS, wire.number(n), wire.number(0)))
        with session(Peer({"/file": b"old"}, {wire.STAT: nothing, wire.LSTAT: nothing})) as files:
            with pytest.raises(FileDownloadFailed, match="not a regular file"):
                pull(files)
            with pytest.raises(FileCreationFailed, match="not a regular file"):
                files.push(put())

    def test_no_answer_at_all(self):
        silent = Peer({"/file": b"old"}, {wire.OPEN: lie(lambda _n: peers.NOTHING)})
        with session(silent, silence_timeout_s=0.3) as files, pytest.raises(TransferTimedOut, match="0.3 s"):
            pull(files)

    @pytest.mark.parametrize("kind", [wire.OPEN, wire.WRITE, wire.CLOSE, wire.EXTENDED])
    def test_the_server_ends(self, kind):
        """The connection is there, the SFTP server is gone; what it left is removed by the next one."""
        peer = Peer({"/file": b"old"}, extensions={wire.POSIX_RENAME: b"1"})

        def hang_up(peer, _number, _reader):
            del peer.lies[kind]
            return peers.HANG_UP

        with session(peer) as files:
            files.stat("/no")
            peer.lies = {kind: hang_up}
            with pytest.raises(ConnectionLost):
                files.push(put())
            assert peer.files == {"/file": b"old"}

    def test_the_end_comes_together_with_the_last_answer(self):
        """One wake-up for both: the end is seen at once, not when a clock runs out."""

        def last(peer, number, _reader):
            peer.ended_with = data_of(1)(number)
            return peer.ended_with

        peer = Peer({"/file": bytes(100)}, {wire.READ: last})
        with session(peer, timeout_s=60) as files:
            files.stat("/file")
            channel = files._access._lease.channel
            send = channel.send_some

            def send_and_end(data):
                sent = 0 if channel.ended else send(data)
                channel.ended = channel.ended or bool(getattr(peer, "ended_with", b""))
                return sent

            channel.send_some = send_and_end
            files._access._lease.connection.check_life = lambda _settings, now: now + 3600
            began = time.monotonic()
            with pytest.raises(ConnectionLost):
                pull(files)
            assert peers.soon(began)

    @pytest.mark.parametrize(
        "greeting", [b"Welcome to this host!\n", packet(wire.VERSION, wire.number(2)), packet(wire.STATUS)]
    )
    def test_no_sftp_behind_the_subsystem(self, greeting):
        with session(Peer(lies={wire.INIT: lie(lambda _n: greeting)})) as files:
            with pytest.raises(FileUploadFailed, match="Peer .*does not offer SFTP"):
                files.push(put())

    def test_other_errors_come_out(self):
        def broken(_done, _total):
            raise ZeroDivisionError

        peer = Peer()
        with session(peer) as files, pytest.raises(ZeroDivisionError):
            files.push(put(data=bytes(5_000_000)), broken)
        assert names(peer) == set()


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


class TestPaths:
    @given(TEXT)
    def test_a_script_gets_the_path_as_it_is(self, path):
        path = "/" + path
        for code in (
            scripts.look(path, True),
            scripts.read(path),
            scripts.read(path, 5),
            scripts.delete(path),
        ):
            assert f"f={shlex.quote(path)}" in code
        words = ("0", "/s", path, "1", "", path, "1", "0", "skip", path, "stamp")
        assert scripts.place([words]).endswith("place " + shlex.join(words))

    @settings(max_examples=25)
    @given(TEXT)
    def test_a_shell_reads_it_back(self, path):
        code = scripts.delete("/" + path).split("\nif [ -d", 1)[0] + '\nprintf %s "$f"'
        printed = subprocess.run(["sh"], input=code.encode(), capture_output=True, check=True)
        assert printed.stdout.decode() == "/" + path and not printed.stderr

    @given(TEXT)
    def test_temporary_names_fit(self, name):
        name = name.replace("/", "")
        if name:
            directory, made = link.split(link.temporary_name(f"/some/{name}", Owner()))
            assert directory == "/some" and made.startswith(".") and len(made.encode()) <= 255

    def test_temporary_names_differ(self):
        assert len({link.temporary_name("/a", Owner()) for _ in range(100)}) == 100
        assert link.split(link.temporary_name("/a", Owner()))[0] == "/"


def test_contents_are_not_shown():
    spec = put(data=b"a secret")
    assert "secret" not in repr(spec) + str(spec.content) and spec.if_exists is IfExists.OVERWRITE
