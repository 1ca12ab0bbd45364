"""Runs the benchmarks and prints their figures as the rows of a table: ``setup/benchmark [NAME ...]``."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import dry_run
import files
import first_output
import fleet
import lists
import long_output
import many_hosts
import one_host
import plans
import variables
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
}


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
    with Lab(say=lambda text: print(text, file=sys.stderr, flush=True)) as lab:
        for name in names:
            for figure in BENCHMARKS[name].measure(lab):
                print(figure.row(), flush=True)
                missed += figure.met is False
    print(f"load {os.getloadavg()[0]:.1f}; {missed or 'none'} missed", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
