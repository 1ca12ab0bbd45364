"""Results of both runners are counted correctly: no failure is lost, and no skip because a tool is missing."""

import pytest
from tower_setup.outcomes import OdooLog, Outcome, from_junit, odoo_failures

PREFIX = "2026-01-02 03:04:05,678 99"
LOGGER = "odoo.addons.cetmix_tower_server.tests.test_a"


def follow(*lines):
    log = OdooLog()
    for line in lines:
        log.feed(line)
    return log


def line(text, level="INFO", logger=LOGGER):
    return f"{PREFIX} {level} db {logger}: {text}"


def test_odoo_counts():
    log = follow(
        line("Starting TestA.test_good ..."),
        line("Starting TestA.test_bad ..."),
        line("FAIL: TestA.test_bad", "ERROR"),
        "Traceback (most recent call last):",
        line("Starting TestA.test_parts ..."),
        line("FAIL: Subtest TestA.test_parts (x=1)", "ERROR"),
        line("FAIL: Subtest TestA.test_parts (x=2)", "ERROR"),
        line("Starting TestA.test_root ..."),
        line("skipped TestA.test_root : needs root"),
        line("Starting TestA.test_tour ..."),
        line("skipped TestA.test_tour : Chrome executable not found"),
        line("2 failed, 0 error(s) of 5 tests when loading database 'db'", "ERROR", "odoo.tests.result"),
    )
    outcome = log.outcome(1)
    assert (outcome.passed, len(outcome.failed), outcome.skipped) == (1, 3, 1)
    assert outcome.line == "1 passed, 3 failed, 1 skipped"


def test_odoo_error_outside_of_a_test_is_a_failure():
    log = follow(
        line("Starting TestA.test_good ..."), line("No such field", "ERROR", "odoo.modules.registry")
    )
    assert len(log.outcome(0).failed) == 1


def test_odoo_set_up_of_a_class_that_fails():
    log = follow(
        line("ERROR: setUpClass (odoo.addons.x.TestA)", "ERROR", "odoo.tests.suite"),
        line("Module x: 0 failures, 1 errors of 5 tests", "ERROR", "odoo.modules.loading"),
        line("At least one test failed when loading the modules.", "ERROR", "odoo.modules.loading"),
    )
    assert log.outcome(1).failed == ["odoo.tests.suite.setUpClass (odoo.addons.x.TestA)"]


@pytest.mark.parametrize(
    ("logger", "text", "counts"),
    [
        ("py.warnings", "/x/cetmix_tower_server/a.py:1: DeprecationWarning: old", True),
        ("py.warnings", "/x/site-packages/other/a.py:1: DeprecationWarning: old", False),
        ("odoo.http", "cetmix_tower_server is slow", False),
    ],
)
def test_odoo_warnings_of_our_addons(logger, text, counts):
    log = follow(line("Starting TestA.test_good ..."), line(text, "WARNING", logger))
    assert bool(log.outcome(0).failed) is counts


def test_odoo_that_died_or_hung():
    assert follow().outcome(139).failed == ["Odoo ended with status 139"]
    assert "test_slow" in follow(line("Starting TestA.test_slow ...")).outcome(None).failed[0]


def test_only_errors_are_shown(tmp_path):
    log = tmp_path / "log"
    bad = [
        line("FAIL: TestA.test_bad", "ERROR"),
        "Traceback (most recent call last):",
        "AssertionError: 1 != 2",
    ]
    log.write_text("\n".join([line("Starting TestA.test_bad ..."), *bad, line("Initiating shutdown")]))
    assert odoo_failures(log) == bad


def test_pytest_counts(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(
        "<testsuites><testsuite>"
        '<testcase classname="a" name="good"/>'
        '<testcase classname="a" name="bad"><failure/></testcase>'
        '<testcase classname="a" name="broken"><error/></testcase>'
        '<testcase classname="a" name="tool"><skipped type="pytest.skip" message="no sshd"/></testcase>'
        '<testcase classname="a" name="root"><skipped type="pytest.skip" message="needs root"/></testcase>'
        '<testcase classname="a" name="known"><skipped type="pytest.xfail" message="bug"/></testcase>'
        "</testsuite></testsuites>"
    )
    outcome = from_junit(report)
    assert outcome.line == "2 passed, 3 failed, 1 skipped"
    assert (outcome + Outcome(1)).passed == 3
