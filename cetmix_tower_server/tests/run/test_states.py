"""Watches every change of a run's state while the test suite runs, and compares what happened with ``states.CHANGES``."""

from itertools import permutations

from odoo.sql_db import db_connect
from odoo.tests.common import BaseCase, get_db_name, tagged
from odoo.tools import config

from ...engine import states

TABLES = ("cx_tower_command_log", "cx_tower_plan_log")
PAIRS = list(permutations((state for state, _label in states.LABELS), 2))
LISTED = {(before, after) for before, following in states.CHANGES.items() for after in following}
# A sequence keeps its value when the transaction is rolled back, as tests do.
INSTALL = """
CREATE OR REPLACE FUNCTION tower_watch_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM nextval('tower_saw_' || OLD.state || '_' || NEW.state);
    RETURN NULL;
END $$;
"""
WATCH = """
CREATE OR REPLACE TRIGGER tower_watch_state AFTER UPDATE OF state ON {0} FOR EACH ROW
    WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION tower_watch_state();
"""


@tagged("post_install", "-at_install")
class TestStatesWatched(BaseCase):
    """Begins before all other tests."""

    test_sequence = -1000

    def test_the_watch_begins(self):
        with db_connect(get_db_name()).cursor() as cursor:
            for before, after in PAIRS:
                name = f"tower_saw_{before}_{after}"
                cursor.execute(f"DROP SEQUENCE IF EXISTS {name}; CREATE SEQUENCE {name}")
            cursor.execute(INSTALL + "".join(map(WATCH.format, TABLES)))
            cursor.commit()


@tagged("post_install", "-at_install")
class TestStates(BaseCase):
    """Ends after all other tests."""

    test_sequence = 1000

    def test_states_change_as_the_table_says(self):
        seen = self._end_watch()
        self.assertLessEqual(seen, LISTED, "changes that states.CHANGES does not list")
        if ":" not in (config["test_tags"] or ""):  # all tests were run, not only chosen ones
            self.assertEqual(seen, LISTED, "changes that states.CHANGES lists and that never happened")

    def _end_watch(self):
        """Return the changes that were seen, as (before, after), and remove the watch."""
        with db_connect(get_db_name()).cursor() as cursor:
            cursor.execute(
                "SELECT sequencename, last_value FROM pg_sequences WHERE sequencename LIKE 'tower\\_saw\\_%'"
            )
            rows = cursor.fetchall()
            for name, _last_value in rows:
                cursor.execute(f"DROP SEQUENCE {name}")
            cursor.execute("DROP FUNCTION IF EXISTS tower_watch_state CASCADE")
            cursor.commit()
        return {tuple(name.split("_")[2:]) for name, last_value in rows if last_value}
