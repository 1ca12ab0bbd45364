"""Programs that Odoo and the tests use: the machine's own, or Debian's unpacked below the cache."""

import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .apt import PrivateApt, machine_sources, unpack
from .console import Console
from .errors import SetupError
from .paths import Layout, private_dir
from .processes import run

SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


@dataclass(frozen=True)
class Tool:
    """A program: its name, the Debian package that contains it, its path there, and a title for people."""

    program: str
    package: str
    path: str
    title: str

    def on_machine(self) -> Path | None:
        found = shutil.which(self.program, path=f"{os.environ.get('PATH', os.defpath)}:{SBIN}")
        return Path(found) if found else None


SSHD = Tool("sshd", "openssh-server", "usr/sbin/sshd", "OpenSSH server")
SSH_KEYGEN = Tool("ssh-keygen", "openssh-client", "usr/bin/ssh-keygen", "OpenSSH client")
SSH = Tool("ssh", "openssh-client", "usr/bin/ssh", "OpenSSH client")
CHROMIUM = Tool("chromium", "chromium", "usr/lib/chromium/chromium", "Chromium")
BUSYBOX = Tool("busybox", "busybox", "bin/busybox", "BusyBox")
DASH = Tool("dash", "dash", "bin/dash", "dash")
# Login shells of users who cannot read our folder: tests copy only the program, so it must not need other files.
ZSH = Tool("zsh", "zsh-static", "bin/zsh-static", "zsh")
MKSH = Tool("mksh", "mksh", "bin/mksh", "mksh")


@dataclass(frozen=True)
class Program:
    """An available program: its path, and the environment variables that it needs in addition to ours."""

    path: Path
    extra: Mapping[str, str]
    prefix: Path | None = None

    def environment(self) -> dict[str, str]:
        return {**os.environ, **self.extra}


def provide(tool: Tool, layout: Layout, console: Console) -> Program:
    """Find the program, or fetch it without changing the machine.

    :raise SetupError: it is missing and could not be fetched
    """
    found = tool.on_machine()
    if found:
        return Program(found, {})
    prefix = layout.cache / "tools" / tool.package
    if not (prefix / ".complete").exists():
        _fetch(tool, layout, prefix, console)
    path = next((p for p in (prefix / tool.path, prefix / "usr" / tool.path) if p.exists()), None)
    if path is None:
        raise SetupError(
            f"Debian's package {tool.package} has no {tool.path}; install {tool.program} yourself."
        )
    return Program(path, _environment(prefix), prefix)


def _fetch(tool: Tool, layout: Layout, prefix: Path, console: Console) -> None:
    with console.step(f"Fetching {tool.title} (package {tool.package}, once)") as step:
        folder = layout.cache / f"apt-{tool.package}"
        apt = PrivateApt(private_dir(folder), machine_sources(), knows_machine=True)
        apt.update(step)
        debs = apt.download_with_dependencies([tool.package], step)
        building = prefix.with_suffix(".new")
        shutil.rmtree(building, ignore_errors=True)
        unpack(debs, private_dir(building), step)
        shutil.rmtree(prefix, ignore_errors=True)
        building.rename(prefix)
        shutil.rmtree(folder, ignore_errors=True)
        (prefix / ".complete").touch()


def _environment(prefix: Path) -> dict[str, str]:
    """Variables with which a program below the prefix finds its libraries and fonts."""
    machine = f"{platform.machine()}-linux-gnu"
    folders = [prefix / where / machine for where in ("usr/lib", "lib")] + [
        prefix / "usr/lib",
        prefix / "lib",
    ]
    # Some packages keep libraries in a private folder (libpulse does).
    folders += [
        path
        for folder in folders[:2]
        if folder.is_dir()
        for path in sorted(folder.iterdir())
        if path.is_dir() and any(path.glob("lib*.so*"))
    ]
    libraries = [str(path) for path in folders if path.is_dir() and any(path.glob("*.so*"))]
    extra = {"LD_LIBRARY_PATH": os.pathsep.join(libraries)} if libraries else {}
    if (prefix / "etc/fonts/fonts.conf").exists() and not Path("/etc/fonts/fonts.conf").exists():
        extra["FONTCONFIG_PATH"] = str(prefix / "etc/fonts")
    return extra


def on_path(program: Program, name: str, folder: Path) -> Path:
    """Put a program that is not on the machine into a folder for PATH: a link, or a script that sets what it needs."""
    script = private_dir(folder) / name
    script.unlink(missing_ok=True)
    if not program.extra:
        script.symlink_to(program.path)
        return folder
    settings = "".join(f"export {key}={_quoted(value)}\n" for key, value in program.extra.items())
    script.write_text(f'#!/bin/sh\n{settings}exec {_quoted(str(program.path))} "$@"\n', "utf-8")
    script.chmod(0o755)
    return folder


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def require_sudo(console: Console) -> bool:
    """Return whether sudo is available; as root, install it if it is missing.

    sudo must belong to root in the machine's own folders, so it cannot be unpacked below the cache.
    """
    if shutil.which("sudo"):
        return True
    if os.geteuid() != 0:
        return False
    with console.step("Installing the package sudo (it does not work from a private folder)") as step:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update"], ["install", "-y", "--no-install-recommends", "sudo"]):
            run(
                ["apt-get", *arguments], "The package sudo could not be installed", step=step, env=environment
            )
    return True
