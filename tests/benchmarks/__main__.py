"""Runs the benchmarks and prints their figures as the rows of a table: ``setup/benchmark [NAME ...]``."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from itertools import groupby
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import dry_run
import files
import first_output
import fleet
import jet_board
import jets
import lists
import long_output
import many_hosts
import one_host
import plans
import topology
import variables
import waypoints
from lab import Lab

BENCHMARKS = {
    "one_host": one_host,
    "many_hosts": many_hosts,
    "first_output": first_output,
    "long_output": long_output,
    "files": files,
    "plans": plans,
    "fleet": fleet,
    "variables": variables,
    "lists": lists,
    "dry_run": dry_run,
    "jet_board": jet_board,
    "jets": jets,
    "topology": topology,
    "waypoints": waypoints,
}


def addons_of(name: str) -> str:
    """The addons that a benchmark needs: its `ADDONS`, otherwise the server addon alone, whose figures then stay comparable."""
    return getattr(BENCHMARKS[name], "ADDONS", "cetmix_tower_server")


def main() -> int:
    parser = argparse.ArgumentParser(prog="setup/benchmark", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which (default: all): {', '.join(BENCHMARKS)}"
    )
    names = parser.parse_args().names or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; there are: {', '.join(BENCHMARKS)}")
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}",
        flush=True,
    )
    print(
        "| What | Aim | Measured | | Details: median (10th-90th percentile) |\n| --- | --- | --- | --- | --- |"
    )
    missed = 0
    for addons, group in groupby(names, key=addons_of):
        with Lab(say=lambda text: print(text, file=sys.stderr, flush=True), addons=addons) as lab:
            for name in group:
                for figure in BENCHMARKS[name].measure(lab):
                    print(figure.row(), flush=True)
                    missed += figure.met is False
    print(f"load {os.getloadavg()[0]:.1f}; {missed or 'none'} missed", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
