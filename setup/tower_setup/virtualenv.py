"""Virtual environments below the cache, one for each combination of requirements and Python."""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from .apt import PrivateApt, machine_sources, unpack
from .console import Console, Step
from .errors import SetupError
from .paths import Layout, fingerprint, private_dir
from .processes import run

# It declares dependencies (Odoo among them) that pip cannot get from PyPI; we only need its code.
WITHOUT_DEPENDENCIES = ("odoo-addon-queue_job",)


@dataclass(frozen=True)
class VirtualEnv:
    """A Python with the packages that we need."""

    python: Path

    @property
    def bin(self) -> Path:
        return self.python.parent

    def environment(self) -> dict[str, str]:
        """Our environment variables, with this Python's programs first on the path."""
        clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
        return {
            **clean,
            "PATH": f"{self.bin}{os.pathsep}{clean.get('PATH', os.defpath)}",
            "VIRTUAL_ENV": str(self.bin.parent),
        }


def provide(layout: Layout, console: Console) -> VirtualEnv:
    """The environment that runs Odoo and the tests: from requirements.txt, or the one of ODOO_PYTHON."""
    if os.environ.get("ODOO_PYTHON"):
        python = Path(os.environ["ODOO_PYTHON"]).expanduser()
        if not os.access(python, os.X_OK):
            raise SetupError(f"ODOO_PYTHON points to {python}, which is not an executable file.")
        return VirtualEnv(python)
    requirements = (layout.checkout / "requirements.txt").read_text("utf-8")
    return build(
        layout, console, "venv", requirements, WITHOUT_DEPENDENCIES, "Installing Python packages (once)"
    )


def build(
    layout: Layout,
    console: Console,
    name: str,
    requirements: str,
    without_dependencies: tuple[str, ...],
    title: str,
) -> VirtualEnv:
    """Create the environment, unless there is one of these requirements and this Python.

    :param requirements: text of a requirements file
    :param without_dependencies: packages that are installed without their declared dependencies
    """
    wanted = fingerprint(requirements, *without_dependencies, sys.version, os.path.realpath(sys.executable))
    folder = layout.cache / f"{name}-{wanted}"
    venv = VirtualEnv(folder / "bin/python")
    if not (folder / ".complete").exists():
        with console.step(title) as step:
            _create(layout, folder, step)
            _install(venv, folder, requirements, without_dependencies, step)
        (folder / ".complete").touch()
    return venv


def _create(layout: Layout, folder: Path, step: Step) -> None:
    private_dir(folder.parent)
    what = "The virtual environment could not be made"
    run([sys.executable, "-m", "venv", "--clear", "--without-pip", folder], what, step=step)
    # Debian has ensurepip in a separate package (python3-venv), so it may be missing.
    ensurepip = [folder / "bin/python", "-m", "ensurepip", "--default-pip"]
    status, _tail = run(ensurepip, what, step=step, check=False)
    if status:
        wheel = _pip_wheel(layout, step)
        run([folder / "bin/python", f"{wheel}/pip", "install", "--no-index", wheel], what, step=step)


def _pip_wheel(layout: Layout, step: Step) -> Path:
    """pip as a wheel, from the Debian package that ensurepip uses there."""
    prefix = layout.cache / "pip-wheel"
    if not list(prefix.glob("usr/share/python-wheels/pip-*.whl")):
        apt = PrivateApt(private_dir(layout.cache / "apt-machine"), machine_sources(), knows_machine=True)
        apt.update(step)
        unpack(apt.download(["python3-pip-whl"], step), private_dir(prefix), step)
    return next(prefix.glob("usr/share/python-wheels/pip-*.whl"))


def _install(
    venv: VirtualEnv, folder: Path, requirements: str, without_dependencies: tuple[str, ...], step: Step
) -> None:
    listed = folder / "requirements.txt"
    listed.write_text(requirements, "utf-8")
    pip = [venv.python, "-m", "pip", "--disable-pip-version-check", "install", "--progress-bar=off"]
    what = "The Python packages could not be installed"
    for arguments in (["-r", listed], *(["--no-deps", name] for name in without_dependencies)):
        run(
            [*pip, *arguments],
            what,
            step=step,
            on_line=lambda line: _show_progress(line, step),
            log=folder / "pip.log",
            env=venv.environment(),
        )


def _show_progress(line: str, step: Step) -> None:
    match = re.match(
        r"\s*(Collecting|Downloading|Building wheel for|Installing collected packages)[ :]*(\S*)", line
    )
    if match:
        doing, name = match.groups()
        step.note(
            "installing" if doing.startswith("Installing") else f"{doing.lower()} {name.rpartition('/')[2]}"
        )
