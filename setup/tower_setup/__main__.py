"""Entry: `python setup/tower_setup demo|test|benchmark|lint|changelog ...`, as setup/launch calls it."""

# Only modules that Python has already loaded, until our own folder no longer shadows the standard library.
import os.path
import sys

sys.path[0] = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))

from tower_setup.cli import main  # noqa: E402  (the line above makes the package importable)

sys.exit(main(sys.argv[1:]))
