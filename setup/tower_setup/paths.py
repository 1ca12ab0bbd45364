"""Where files are kept: downloads for all checkouts, and what the demo and the tests of one checkout write."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from .manifests import in_install_order, with_own_dependencies


@dataclass(frozen=True)
class Layout:
    """The folders of one checkout.

    checkout: the repository. cache: downloads and virtual environments, shared by all checkouts.
    state: databases, keys and files of this checkout. public_state: the same for what other users of the
    machine must reach (only root needs it: PostgreSQL refuses to run as root, and demo users have homes).
    tag: makes names unique on the whole machine, by checkout and XDG_STATE_HOME.
    """

    checkout: Path
    cache: Path
    state: Path
    public_state: Path
    tag: str

    @classmethod
    def of_this_checkout(cls) -> "Layout":
        checkout = Path(__file__).resolve().parents[2]
        named = f"{checkout}{os.environ.get('XDG_STATE_HOME', '')}"
        tag = hashlib.sha256(named.encode()).hexdigest()[:6]
        home = Path.home()
        cache = _xdg("XDG_CACHE_HOME", home / ".cache") / "cetmix-tower"
        state = _xdg("XDG_STATE_HOME", home / ".local" / "state") / "cetmix-tower" / f"{checkout.name}-{tag}"
        public = Path("/var/lib/cetmix-tower") / f"{checkout.name}-{tag}" if os.geteuid() == 0 else state
        return cls(checkout, cache, state, public, tag)

    def test_addons(self) -> dict[str, Path]:
        """Addons of the tests by name: they use Tower as addons of others would."""
        return {
            path.parent.name: path.parent
            for path in sorted(self.checkout.glob("tests/addons/*/__manifest__.py"))
        }

    def addon_names(self) -> list[str]:
        """Tower's own addons in the checkout, each after those that it depends on."""
        names = [path.parent.name for path in self.checkout.glob("*/__manifest__.py")]
        return in_install_order(self.checkout, names)

    def with_own_dependencies(self, addon: str) -> list[Path]:
        """The folder of one of Tower's own addons, after the folders of those that it depends on."""
        names = with_own_dependencies(self.checkout, addon, self.addon_names())
        return [self.checkout / name for name in names]


def _xdg(variable: str, default: Path) -> Path:
    value = os.environ.get(variable, "")
    return Path(value) if value.startswith("/") else default


def private_dir(path: Path, mode: int = 0o700) -> Path:
    """Create the folder with its parents; the folder itself gets exactly `mode`."""
    path.mkdir(parents=True, exist_ok=True)
    if path.stat().st_mode & 0o777 != mode:
        path.chmod(mode)
    return path


def write_private(path: Path, text: str) -> Path:
    """Write a file that only its owner may read (0600 from the first byte on)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return path


def fingerprint(*parts: str | bytes) -> str:
    """Twelve characters that change if any of the parts changes."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()[:12]
