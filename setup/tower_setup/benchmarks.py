"""setup/benchmark: provide everything, measure, print the figures."""

from argparse import Namespace
from contextlib import ExitStack

from . import locks
from .console import Console
from .paths import Layout, private_dir
from .processes import run
from .suites import Bench


def main(options: Namespace, layout: Layout, console: Console) -> int:
    folder = private_dir(layout.state / "benchmark")
    with (
        locks.only_one(layout.state / "benchmark.lock", "A benchmark of this checkout"),
        ExitStack() as stack,
    ):
        # durable: a commit has to cost what it costs in production
        bench = Bench(layout, console, stack, "", folder, database_folder="benchmark-postgres", durable=True)
        env = bench.environment(with_odoo=True)
        argv = [bench.venv.python, "tests/benchmarks", *options.names]
        status, _tail = run(
            argv, "The benchmarks failed", on_line=console.say, check=False, env=env, cwd=layout.checkout
        )
    return 1 if status else 0
