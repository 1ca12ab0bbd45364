"""setup/changelog: collect the changelog fragments with towncrier."""

from argparse import Namespace

from . import locks, virtualenv
from .console import Console
from .paths import Layout
from .processes import run

TOWNCRIER = "towncrier==26.9.0\n"
ADDON_CONFIGURATION = "setup/towncrier-addon.toml"


def main(options: Namespace, layout: Layout, console: Console) -> int:
    """Print what the fragments say, or release them as a version.

    A release writes CHANGELOG.md and the `readme/HISTORY.md` of each addon that has fragments, deletes the fragments,
    and leaves all of it staged for a commit.
    """
    with locks.in_turn(layout.cache / "lock", console, "fetching what Tower needs"):
        venv = virtualenv.build(layout, console, "changelog", TOWNCRIER, (), "Installing towncrier (once)")

    def towncrier(*arguments: str) -> None:
        argv = [venv.bin / "towncrier", "build", *arguments]
        running = {"on_line": console.say, "cwd": layout.checkout, "env": venv.environment()}
        run(argv, "The changelog could not be built", **running)

    if not options.version:
        towncrier("--draft", "--version", "Unreleased")
        return 0
    version = ("--version", options.version)
    for addon in layout.addon_names():
        if any((layout.checkout / addon / "readme" / "newsfragments").glob("*.md")):
            # The fragments are kept for CHANGELOG.md, which is built last and deletes them.
            towncrier("--keep", "--dir", addon, "--config", ADDON_CONFIGURATION, *version)
    towncrier("--yes", *version)
    return 0
