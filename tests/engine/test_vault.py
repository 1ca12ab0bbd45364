import base64
import os
import pickle
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tower_engine.errors import VaultError
from tower_engine.vault.key_file import change_key_file, read_key_file, read_or_create_key_file
from tower_engine.vault.key_ring import KeyRing, UnknownKey

RING = KeyRing.generate()
CONTEXT = "cx.tower.server,1,ssh_password"
contexts = st.builds(
    "{},{},{}".format,
    st.sampled_from(["cx.tower.server", "cx.tower.key", "cx.tower.key.value"]),
    st.integers(1, 10**6),
    st.sampled_from(["ssh_password", "secret_value", "passphrase"]),
)


@given(st.text(), contexts)
def test_what_was_encrypted_decrypts_in_its_place(value, context):
    token = RING.encrypt(value, context)
    assert RING.decrypt(token, context) == value
    if len(value) > 3:
        assert value not in token


@given(st.text(), contexts, contexts)
def test_moved_to_another_record_or_field_it_does_not_decrypt(value, context, other):
    token = RING.encrypt(value, context)
    if context != other:
        with pytest.raises(VaultError):
            RING.decrypt(token, other)


@given(st.text(max_size=50), st.data())
def test_any_change_is_noticed(value, data):
    token = RING.encrypt(value, CONTEXT)
    position = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.characters(codec="ascii"))
    changed = token[:position] + character + token[position + 1 :]
    if changed != token:
        with pytest.raises(VaultError):
            RING.decrypt(changed, CONTEXT)


@given(st.text(max_size=50), st.integers(0, 200))
def test_cut_tokens_are_refused(value, length):
    token = RING.encrypt(value, CONTEXT)
    if length < len(token):
        with pytest.raises(VaultError):
            RING.decrypt(token[:length], CONTEXT)


@given(st.text())
def test_anything_else_is_refused(text):
    with pytest.raises(VaultError):
        RING.decrypt(text, CONTEXT)


def test_the_same_value_never_looks_the_same():
    assert len({RING.encrypt("x", CONTEXT) for _ in range(100)}) == 100


def test_old_keys_decrypt_and_the_new_one_encrypts():
    token = RING.encrypt("value", CONTEXT)
    newer = RING.with_new_key()
    assert newer.decrypt(token, CONTEXT) == "value"
    assert RING.is_current(token) and not newer.is_current(token)
    fresh = newer.encrypt("value", CONTEXT)
    assert newer.is_current(fresh)
    with pytest.raises(UnknownKey) as error:
        RING.decrypt(fresh, CONTEXT)
    assert error.value.key_id == newer.current_id


def test_dump_and_parse():
    ring = RING.with_new_key().with_new_key()
    assert KeyRing.parse(ring.dump()).key_ids == ring.key_ids
    assert KeyRing.parse("# a comment\n" + ring.dump().replace("\n", ", ")).key_ids == ring.key_ids
    standard = base64.b64encode(b"\xff" * 32).decode()
    assert KeyRing.parse(standard).key_ids == KeyRing([b"\xff" * 32]).key_ids


@pytest.mark.parametrize(
    "text", ["", "  \n# nothing\n", "short", "x" * 43, base64.b64encode(b"1" * 31).decode()]
)
def test_malformed_keys_are_refused_without_being_quoted(text):
    with pytest.raises(VaultError) as error:
        KeyRing.parse(text)
    assert not text.strip() or text not in str(error.value)


def test_keys_do_not_show():
    key = RING.dump().strip()
    assert key not in repr(RING) and key not in str(RING)
    with pytest.raises(TypeError):
        pickle.dumps(RING)


# ---------------------------------------------------------------------- key file


def test_key_file_is_made_once_with_tight_rights(tmp_path):
    path = tmp_path / "keys"
    assert read_key_file(path) is None
    old = os.umask(0)
    try:
        ring = read_or_create_key_file(path)
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_or_create_key_file(path).key_ids == ring.key_ids


def test_everybody_who_comes_at_once_gets_the_same_key(tmp_path):
    path, barrier, found = tmp_path / "keys", threading.Barrier(16), []

    def come():
        barrier.wait()
        found.append(read_or_create_key_file(path).key_ids)

    threads = [threading.Thread(target=come) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16 and len(set(found)) == 1


def test_processes_at_once_get_the_same_key(tmp_path):
    path = tmp_path / "keys"
    readers = []
    for _ in range(8):
        reader, writer = os.pipe()
        if not os.fork():
            os.write(writer, read_or_create_key_file(path).current_id.encode())
            os._exit(0)
        os.close(writer)
        readers.append(reader)
    assert len({os.read(reader, 100) for reader in readers}) == 1
    for reader in readers:
        os.close(reader)
        os.wait()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620, 0o777])
def test_file_that_others_may_open_is_refused(tmp_path, mode):
    path = tmp_path / "keys"
    read_or_create_key_file(path)
    path.chmod(mode)
    for use in (read_key_file, read_or_create_key_file, lambda p: change_key_file(p, KeyRing.with_new_key)):
        with pytest.raises(VaultError, match="chmod 600"):
            use(path)


def test_new_key_is_added_in_front_and_old_ones_stay(tmp_path):
    path = tmp_path / "keys"
    first = read_or_create_key_file(path)
    second = change_key_file(path, KeyRing.with_new_key)
    assert second.key_ids[1:] == first.key_ids
    assert read_key_file(path).key_ids == second.key_ids


@pytest.mark.parametrize("crash_at", ["fsync", "rename"])
def test_crash_while_writing_leaves_the_old_file(tmp_path, monkeypatch, crash_at):
    path = tmp_path / "keys"
    first = read_or_create_key_file(path)

    class Crash(BaseException):
        pass

    def crash(*args):
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(os, crash_at, crash)
        with pytest.raises(Crash):
            change_key_file(path, KeyRing.with_new_key)
    assert read_key_file(path).key_ids == first.key_ids
    assert change_key_file(path, KeyRing.with_new_key).key_ids[1:] == first.key_ids


def test_damaged_or_unreachable_file_is_one_clear_error(tmp_path):
    path = tmp_path / "keys"
    path.write_bytes(b"\xff\xfe nonsense")
    path.chmod(0o600)
    with pytest.raises(VaultError, match=str(path)):
        read_key_file(path)
    path.write_text("not a key")
    with pytest.raises(VaultError, match="is damaged"):
        read_key_file(path)
    with pytest.raises(VaultError, match="cannot be written"):
        read_or_create_key_file(tmp_path / "missing" / "keys")
