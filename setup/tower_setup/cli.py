"""Arguments and exit status of the commands."""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence

from . import benchmarks, changelog, demo, lint, suites
from .console import Console
from .errors import Interrupted, SetupError
from .paths import Layout
from .processes import end_descendants, take_charge

ODOO_PORT = 8069


def _demo_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="setup/demo",
        description="Fetch Odoo 19, set Tower up with three SSH hosts on this machine, run flight plans and commands "
        "on them, and serve the web client until Ctrl-C.",
    )
    parser.add_argument(
        "--once", action="store_true", help="end after these runs, with status 0 if all of them succeeded"
    )
    parser.add_argument(
        "--port", type=int, default=ODOO_PORT, help="port of the web client (default: %(default)s)"
    )
    parser.add_argument(
        "--reset", action="store_true", help="delete the demo's database, keys and files first"
    )
    return parser


def _test_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="setup/test",
        description="Run Tower's tests: all of them, or the named suites. Ends with the line 'N passed, N failed'.",
        epilog="suites: fast (what to run while working, a few minutes), each folder of tests/, each addon, and tours",
    )
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="what to run (default: everything)")
    parser.add_argument(
        "-k", dest="expression", default="", metavar="EXPR", help="only tests whose names match, as in pytest"
    )
    parser.add_argument(
        "--dependencies",
        choices=("lowest", "highest"),
        default="",
        help="with the lowest or highest versions of Tower's Python packages that requirements.txt allows",
    )
    return parser


def _benchmark_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="setup/benchmark",
        description="Measure Tower, and print figures as ratios to a floor of the same run. See docs/performance.md.",
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="which benchmarks, by the names of their files in tests/benchmarks (default: all)",
    )
    return parser


def _lint_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="setup/lint", description="Run the pre-commit hooks.")
    parser.add_argument("files", nargs="*", help="files to check (default: all)")
    parser.add_argument("--hook", default="", help="only this hook")
    return parser


def _changelog_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="setup/changelog", description="Print what the changelog fragments say, or release them."
    )
    parser.add_argument(
        "version", nargs="?", help="move the fragments into CHANGELOG.md and HISTORY.md as this version"
    )
    return parser


COMMANDS: dict[str, tuple[Callable[[], argparse.ArgumentParser], Callable[..., int]]] = {
    "demo": (_demo_parser, demo.main),
    "test": (_test_parser, suites.main),
    "benchmark": (_benchmark_parser, benchmarks.main),
    "lint": (_lint_parser, lint.main),
    "changelog": (_changelog_parser, changelog.main),
}


def main(argv: Sequence[str]) -> int:
    """Run one of the commands.

    :return: exit status: 0 success, 1 failure, 2 wrong usage, 128 + signal if interrupted
    """
    name, *rest = argv or [""]
    if name not in COMMANDS:
        print(f"usage: setup/launch {'|'.join(COMMANDS)} ...", file=sys.stderr)
        return 2
    make_parser, command = COMMANDS[name]
    options = make_parser().parse_args(rest)
    take_charge()
    try:
        return command(options, Layout.of_this_checkout(), Console())
    except SetupError as error:
        print(f"setup/{name}: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"setup/{name}: {error.strerror or error}: {error.filename or ''}".rstrip(": "), file=sys.stderr
        )
        return 1
    except Interrupted as interruption:
        print(f"\nsetup/{name}: stopped by {signal.Signals(interruption.signum).name}.", file=sys.stderr)
        return 128 + interruption.signum
    finally:
        end_descendants()
