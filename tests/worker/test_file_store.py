"""Content goes into the filestore under the name that Odoo gives it, and leaves nothing behind when it fails."""

import hashlib
import os
import time
from pathlib import Path

import pytest
from tower.worker import file_store


@pytest.fixture
def store(tmp_path):
    return file_store.FileStore(str(tmp_path / "store"))


def test_stored_by_checksum_and_noted_for_collection(store, tmp_path):
    blob = store.save(lambda file: [file.write(b"one "), file.write(b"two")])
    checksum = hashlib.sha1(b"one two").hexdigest()
    assert (blob.checksum, blob.size, blob.name) == (checksum, 7, f"{checksum[:2]}/{checksum}")
    assert store.path(blob.name).read_bytes() == b"one two"
    assert (tmp_path / "store" / "checklist" / blob.name).exists()
    assert store.save(lambda file: file.write(b"one two")) == blob


def test_nothing_is_left_of_what_failed(store, tmp_path):
    def fail(file):
        file.write(b"some")
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        store.save(fail)
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


def test_what_a_dead_process_left_is_removed(store, tmp_path):
    incoming = tmp_path / "store" / "tower_incoming"
    incoming.mkdir(parents=True)
    old, new = incoming / "old", incoming / "new"
    for path in (old, new):
        path.write_bytes(b"x")
    os.utime(old, (time.time() - 2 * file_store.LEFTOVER_S,) * 2)
    store.save(lambda file: file.write(b"y"))
    assert not old.exists()
    assert new.exists()


def test_the_umask_of_the_process_is_never_touched(store, monkeypatch):
    monkeypatch.setattr(os, "umask", lambda _mask: pytest.fail("other threads make files meanwhile"))
    mode = os.stat(store.path(store.save(lambda file: file.write(b"x")).name)).st_mode & 0o777
    assert mode == 0o644 & ~int(Path("/proc/self/status").read_text().split("Umask:")[1].split()[0], 8)
