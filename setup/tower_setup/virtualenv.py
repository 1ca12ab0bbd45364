"""Virtual environments below the cache, one for each combination of requirements and Python."""

import os
import re
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from .apt import PrivateApt, machine_sources, unpack
from .console import Console, Step
from .errors import SetupError
from .manifests import python_packages
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


def provide(layout: Layout, console: Console, dependencies: str = "") -> VirtualEnv:
    """The environment that runs Odoo and the tests: from requirements.txt, or the one of ODOO_PYTHON.

    :param dependencies: "lowest" or "highest": the versions that the bounds in requirements.txt allow of the packages
        that Tower's manifests name; empty: what pip chose when the environment was made
    """
    if os.environ.get("ODOO_PYTHON"):
        if dependencies:
            raise SetupError(
                "With ODOO_PYTHON the versions of packages are yours: unset it for --dependencies."
            )
        python = Path(os.environ["ODOO_PYTHON"]).expanduser()
        if not os.access(python, os.X_OK):
            raise SetupError(f"ODOO_PYTHON points to {python}, which is not an executable file.")
        return VirtualEnv(python)
    requirements = (layout.checkout / "requirements.txt").read_text("utf-8")
    named = python_packages(layout.checkout, layout.addon_names())
    if dependencies == "lowest":
        requirements = at_lower_bounds(requirements, named)
    name = f"venv-{dependencies}" if dependencies else "venv"
    venv = build(
        layout, console, name, requirements, WITHOUT_DEPENDENCIES, "Installing Python packages (once)"
    )
    if dependencies == "highest":
        with console.step("Upgrading Python packages") as step:
            wanted = [line for line in requirements.splitlines() if package_of(line) in named]
            pip_install(venv, ["--upgrade", *wanted], step)
    return venv


def package_of(line: str) -> str:
    """The package that a line of a requirements file is about, in the form that names are compared in."""
    return re.split(r"[^\w.-]", line, maxsplit=1)[0].lower()


def at_lower_bounds(requirements: str, packages: Collection[str]) -> str:
    """A requirements file with some of its packages pinned to the lowest version that it allows.

    :param packages: their names in lower case
    :raise SetupError: one of them has no lower bound
    """
    lines = []
    for line in requirements.splitlines():
        if package_of(line) in packages:
            bound = re.match(r"[\w.-]+>=([\w.]+)", line)
            if not bound:
                raise SetupError(f"requirements.txt: {line} has no lower bound.")
            line = f"{package_of(line)}=={bound[1]}"
        lines.append(line)
    return "\n".join([*lines, ""])


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
    for arguments in (["-r", listed], *(["--no-deps", name] for name in without_dependencies)):
        pip_install(venv, arguments, step)


def pip_install(venv: VirtualEnv, arguments: Sequence[str | Path], step: Step) -> None:
    """Run ``pip install``; its output is appended to ``pip.log`` in the environment.

    :raise SetupError: it failed
    """
    pip = [venv.python, "-m", "pip", "--disable-pip-version-check", "install", "--progress-bar=off"]
    run(
        [*pip, *arguments],
        "The Python packages could not be installed",
        step=step,
        on_line=lambda line: _show_progress(line, step),
        log=venv.bin.parent / "pip.log",
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
