"""Where the encryption keys of the vault are read, and where a new one is added. No other code knows.

In this order: the environment variable ``TOWER_VAULT_KEYS``, the option ``tower_vault_keys`` of odoo.conf, the file
``tower_vault_keys`` in Odoo's data directory, which is created when the first secret is stored. Keys are never in the
database. Each source is a list of keys, newest first (see ``engine.vault.key_ring.KeyRing.parse``).
"""

import os
import threading
from dataclasses import dataclass
from pathlib import Path

from odoo.tools import config

from ...engine.errors import VaultError
from ...engine.vault.key_file import change_key_file, read_key_file, read_or_create_key_file
from ...engine.vault.key_ring import KeyRing

VARIABLE = "TOWER_VAULT_KEYS"
OPTION = "tower_vault_keys"
FILE_NAME = "tower_vault_keys"


@dataclass(frozen=True)
class KeySource:
    """Where the keys are.

    :param name: of the variable, option or file, for messages
    :param text: the keys, for a variable or option; None for a file
    :param path: the file, or None
    """

    name: str
    text: str | None = None
    path: Path | None = None

    def __repr__(self):
        return f"<KeySource {self.name}>"


def get_key_source() -> KeySource:
    """Return the first source that contains keys, the file if none does."""
    if os.environ.get(VARIABLE, "").strip():
        return KeySource(f"environment variable {VARIABLE}", text=os.environ[VARIABLE])
    if (config.get(OPTION) or "").strip():
        return KeySource(f"option {OPTION} of odoo.conf", text=config[OPTION])
    path = Path(config["data_dir"]) / FILE_NAME
    return KeySource(f"file {path}", path=path)


_cache = {}  # {source: (state of the file, ring)}; one entry
_cache_lock = threading.Lock()


def load_key_ring(create=True) -> KeyRing | None:
    """Return the present keys. A rotation in another process takes effect at once.

    :param create: create the key file if there is none; otherwise return None
    :raise VaultError: malformed keys, or a file that others may read
    """
    source = get_key_source()
    with _cache_lock:
        # State before content: a change in between is noticed the next time.
        state = _file_state(source.path) if source.path else None
        cached = _cache.get(source)
        if cached and cached[0] == state and (state or not source.path):
            return cached[1]
        ring = _read(source, create)
        _cache.clear()
        if ring:
            _cache[source] = (state, ring)
        return ring


def _read(source, create):
    if not source.path:
        try:
            return KeyRing.parse(source.text)
        except VaultError as err:
            raise VaultError(f"{source.name}: {err}") from err
    if not create:
        return read_key_file(source.path)
    source.path.parent.mkdir(parents=True, exist_ok=True)
    return read_or_create_key_file(source.path)


def _file_state(path):
    """Return a value that changes when the file is replaced or its mode changes, None without a file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_mode, found.st_size


def add_key(is_used) -> KeyRing:
    """Put a new key in front of the others in the key file, unless the first one is unused, and return all keys.

    The file is on the disk when this returns. Rotating again after a failure generates no second key: one that
    has encrypted nothing is used instead.

    :param is_used: function of a key id that returns whether something is encrypted with it
    :raise VaultError: the keys come from the environment or odoo.conf, which Tower cannot write
    """
    source = get_key_source()
    if not source.path:
        raise VaultError(f"The keys come from the {source.name}: Tower cannot add one there.")
    return change_key_file(
        source.path,
        lambda ring: ring.with_new_key() if ring and is_used(ring.current_id) else ring or KeyRing.generate(),
    )
