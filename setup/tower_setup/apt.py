"""Debian packages without root: a private apt state, and `dpkg -x` into a private folder.

The mirror is the one that the machine uses, and its apt settings (proxy, certificates) apply. Nothing on the machine
is changed.
"""

import os
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .console import Step
from .errors import SetupError
from .paths import private_dir
from .processes import run

ETC_APT = Path("/etc/apt")
DPKG_STATUS = Path("/var/lib/dpkg/status")
DEBIAN_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
MIRROR_VARIABLE = "TOWER_DEBIAN_MIRROR"


@dataclass(frozen=True)
class Source:
    """A package source, as in a line of sources.list."""

    uri: str
    suite: str
    components: str = "main"
    keyring: str = ""

    def line(self) -> str:
        option = f"[signed-by={self.keyring}] " if self.keyring else ""
        return f"deb {option}{self.uri} {self.suite} {self.components}"


def os_release() -> dict[str, str]:
    """The fields of /etc/os-release (ID, VERSION_CODENAME ...)."""
    try:
        text = Path("/etc/os-release").read_text("utf-8")
    except OSError:
        return {}
    return {
        key: value.strip().strip('"') for key, _, value in (line.partition("=") for line in text.splitlines())
    }


def machine_sources() -> list[Source]:
    """The sources of the machine's own release, with updates and security, without third parties."""
    codename = os_release().get("VERSION_CODENAME", "")
    found: list[Source] = []
    for path in [ETC_APT / "sources.list", *sorted((ETC_APT / "sources.list.d").glob("*"))]:
        try:
            text = path.read_text("utf-8")
        except OSError:
            continue
        found += parse_deb822(text) if path.suffix == ".sources" else parse_one_line(text)
    return [source for source in found if codename and source.suite.split("-")[0] == codename]


def parse_deb822(text: str) -> list[Source]:
    """Sources of a `*.sources` file (man sources.list, "DEB822-STYLE FORMAT")."""
    found = []
    for stanza in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n?", "", text)):
        fields = {
            key.strip().lower(): value.strip()
            for key, _, value in (x.partition(":") for x in stanza.splitlines())
        }
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "").lower() == "no":
            continue
        keyring = fields.get("signed-by", "")
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                keyring_path = keyring if keyring.startswith("/") else ""
                found.append(Source(uri, suite, fields.get("components", ""), keyring_path))
    return found


def parse_one_line(text: str) -> list[Source]:
    """Sources of a sources.list file (man sources.list, "ONE-LINE-STYLE FORMAT")."""
    found = []
    for line in text.splitlines():
        match = re.match(r"deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)", line.strip())
        if match:
            options, uri, suite, components = match.groups()
            keyring = re.search(r"signed-by=(/\S+)", options or "")
            found.append(Source(uri, suite, components.strip(), keyring[1] if keyring else ""))
    return found


def debian_mirror() -> str:
    """Address of the Debian mirror this machine uses.

    :raise SetupError: the machine has no Debian sources, and no mirror was given
    """
    if os.environ.get(MIRROR_VARIABLE):
        return os.environ[MIRROR_VARIABLE]
    if os_release().get("ID") == "debian":
        for source in machine_sources():
            if "-security" not in source.suite and "main" in source.components.split():
                return source.uri
    raise SetupError(
        "Odoo 19 is fetched from Debian, but this machine's package sources have no Debian mirror; "
        f"set {MIRROR_VARIABLE} to the address of one, or ODOO_HOME to the folder of an Odoo 19."
    )


class PrivateApt:
    """An apt with its own lists and cache.

    :param folder: where it keeps them
    :param sources: what it may fetch from
    :param knows_machine: whether the machine's installed packages count as installed
    """

    def __init__(self, folder: Path, sources: Sequence[Source], *, knows_machine: bool):
        self.folder = folder
        self.sources = sources
        self.knows_machine = knows_machine

    def update(self, step: Step) -> None:
        """Fetch the package lists.

        :raise SetupError: they could not be fetched
        """
        if not shutil.which("apt-get"):
            raise SetupError("apt-get was not found; this setup needs Debian's or Ubuntu's package tools.")
        for name in ("lists/partial", "cache/archives/partial", "state"):
            private_dir(self.folder / name)
        (self.folder / "state/status").touch()
        (self.folder / "sources.list").write_text("".join(f"{s.line()}\n" for s in self.sources), "utf-8")
        what = "The lists of packages could not be downloaded"
        self._apt(["-o", "APT::Update::Error-Mode=any", "update"], what, step)

    def download(self, packages: Iterable[str], step: Step) -> list[Path]:
        """Fetch exactly these packages ("name" or "name/suite")."""
        target = private_dir(self.folder / "debs")
        names = list(packages)
        what = f"{_named(names)} could not be downloaded"
        self._apt(["download", *names], what, step, cwd=target)
        return self._files(target, names)

    def download_with_dependencies(self, packages: Iterable[str], step: Step) -> list[Path]:
        """Fetch these packages, and their dependencies that the machine lacks."""
        names = list(packages)
        what = f"{_named(names)} could not be downloaded"
        options = [
            "-y",
            "--no-install-recommends",
            "--download-only",
            "--reinstall",
            "-o",
            "Debug::NoLocking=1",
        ]
        self._apt([*options, "install", *names], what, step)
        return sorted((self.folder / "cache/archives").glob("*.deb"))

    def _files(self, target: Path, names: Sequence[str]) -> list[Path]:
        files = [
            max(target.glob(f"{n.split('/')[0]}_*.deb"), key=lambda p: p.stat().st_mtime, default=None)
            for n in names
        ]
        missing = [name for name, file in zip(names, files, strict=True) if file is None]
        if missing:
            raise SetupError(f"{_named(missing)} could not be downloaded: apt-get left no file.")
        return files

    def _apt(self, arguments: Sequence[str], what: str, step: Step, **running) -> None:
        log = self.folder / "apt.log"
        argv = ["apt-get", *self._options(), "-o", "APT::Status-Fd=1", *arguments]
        run(argv, what, step=step, on_line=lambda line: _show_progress(line, step), log=log, **running)

    def _options(self) -> list[str]:
        folder = self.folder
        settings = {
            "Dir::State": folder / "state",
            "Dir::State::lists": folder / "lists",
            "Dir::State::status": DPKG_STATUS if self.knows_machine else folder / "state/status",
            "Dir::Cache": folder / "cache",
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            # apt's own sandbox user cannot write into our folders.
            "APT::Sandbox::User": "root",
        }
        return [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]


def _show_progress(line: str, step: Step) -> None:
    """Turn apt's status lines (`dlstatus:1:12.3:Retrieving ...`) into a note."""
    kind, _, rest = line.partition(":")
    if kind == "dlstatus":
        percent, _, text = rest.partition(":")[2].partition(":")
        step.note(f"{float(percent):.0f} %  {text}")


def _named(packages: Sequence[str]) -> str:
    names = [package.split("/")[0] for package in packages]
    return f"The package {names[0]}" if len(names) == 1 else f"The packages {', '.join(names)}"


def unpack(debs: Iterable[Path], prefix: Path, step: Step) -> None:
    """Unpack packages into a folder that takes the place of /."""
    for deb in debs:
        step.note(f"unpacking {deb.name.split('_')[0]}")
        run(["dpkg", "-x", deb, prefix], f"{deb.name} could not be unpacked", step=step)
