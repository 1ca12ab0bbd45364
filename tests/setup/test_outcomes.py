"""Results of both runners are counted right: nothing that failed, or was skipped for want of a tool, gets lost."""

import pytest
from tower_setup import selection
from tower_setup.errors import SetupError
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


def test_only_the_telling_lines_are_shown(tmp_path):
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


@pytest.mark.parametrize(
    ("expression", "chosen"),
    [
        ("", True),
        ("tour", True),
        ("TOUR", True),
        ("not tour", False),
        ("server and tour", True),
        ("(vault or tour) and not server", False),
    ],
)
def test_keywords(expression, chosen):
    assert selection.matches(expression, "TestServerTour.test_open") is chosen


def test_a_broken_expression_is_refused():
    with pytest.raises(SetupError):
        selection.matches("and and", "x")


def test_tags_of_chosen_tests(tmp_path):
    tests = tmp_path / "an_addon" / "tests"
    tests.mkdir(parents=True)
    (tests / "test_a.py").write_text(
        "class Base:\n    def test_base(self): ...\n"
        "class TestTour(Base, HttpCase):\n    def test_x(self): ...\n    def helper(self): ...\n"
    )
    addon = tests.parent
    assert selection.test_tags(addon, "") == "/an_addon"
    assert selection.test_tags(addon, "x") == "/an_addon:TestTour.test_x"
    assert selection.test_tags(addon, "tour") == "/an_addon:TestTour.test_x,/an_addon:TestTour.test_base"
    assert selection.test_tags(addon, "nothing") is None


@pytest.mark.parametrize("colours", [True, False])
def test_demo_output_keeps_colours_at_most(colours):
    import io

    from tower_setup.console import Console
    from tower_setup.demo_output import HostLines, LiveOutput

    console = Console(io.StringIO())
    console.colours = colours
    LiveOutput(1, HostLines(console, "web", 0))._print("\x1b]0;title\x07a\x1b[2Jb\x1b[31mred\rx\n", "o")
    text = console.stream.getvalue()
    assert "title" not in text and "\x1b[2J" not in text and "\r" not in text
    assert ("\x1b[31mredx\x1b[0m" in text) is colours


STEP = {
    "log_id": 1,
    "action": "ssh_command",
    "exit_code": 0,
    "message": "",
    "condition": "",
    "is_skipped": False,
}
STEP |= {"duration": 0.5, "attempt": 1, "attempts_total": 1, "retry_in": 0.0, "steps": []}


def test_demo_tells_the_steps_of_a_plan_as_they_come():
    """It looks now and then: a step may be seen for the first time when it is tried again, or when it has ended."""
    import io

    from tower_setup import demo_plans
    from tower_setup.console import Console
    from tower_setup.demo_output import HostLines

    def step(number, state, **values):
        return {**STEP, "number": number, "name": f"S{number}", "state": state, **values}

    class Client:
        def call(self, *_arguments, offset, **_keywords):
            chunks = [] if offset else [{"offset": 0, "end": 3, "segments": [["e", "no\n"]]}]
            return {"chunks": chunks, "end": 3, "finished": True}

    first = step(1, "failed", exit_code=1, message="It failed.")
    skipped = step(2, "skipped", is_skipped=True, condition="{{ x }}")
    plan, tried = {"action": "plan", "log_id": False}, {"attempt": 2, "attempts_total": 3}
    retried = step(1, "queued", **tried, exit_code=7, retry_in=2.0)
    last = step(1, "failed", **tried, exit_code=8)
    console = Console(io.StringIO())
    run = demo_plans.PlanRun(1, HostLines(console, "web", 0))
    for steps, state in (
        ([step(1, "queued"), step(2, ""), step(3, "")], "queued"),
        ([first, skipped, step(3, "waiting", **plan, steps=[retried])], "running"),
        ([first, skipped, step(3, "failed", **plan, exit_code=8, steps=[last])], "failed"),
    ):
        demo_plans._show_steps(Client(), run, steps, state)
    assert [line.strip().removeprefix("web ") for line in console.stream.getvalue().splitlines()] == [
        "> 1 S1",
        "! no",
        "FAILED 1 S1: exit code 1 after 0.50 s. It failed. (tolerated: the plan goes on)",
        "- 2 S2: skipped because {{ x }} is false",
        "> 3 S3",
        "  > 3.1 S1",
        "  ! no",
        "  FAILED 3.1 S1: exit code 7, attempt 2 of 3 follows in 2 s",
        "  FAILED 3.1 S1: exit code 8 after 0.50 s, attempt 2 of 3",
        "FAILED 3 S3: exit code 8 after 0.50 s",
    ]
