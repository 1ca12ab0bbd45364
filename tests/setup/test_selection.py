"""Which of Odoo's tests run: those whose names -k chooses, and without the slow ones in the fast part."""

import pytest
from tower_setup import selection
from tower_setup.errors import SetupError


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
    assert selection.test_tags(addon, "") == ("/an_addon", 3)
    assert selection.test_tags(addon, "x") == ("/an_addon:TestTour.test_x", 1)
    assert selection.test_tags(addon, "tour") == ("/an_addon:TestTour.test_x,/an_addon:TestTour.test_base", 2)
    assert selection.test_tags(addon, "nothing") == ("", 0)


@pytest.fixture
def marked_addon(tmp_path):
    """An addon with a slow test, a class that is slow, and one that derives from it."""
    tests = tmp_path / "an_addon" / "tests"
    tests.mkdir(parents=True)
    (tests / "browser.py").write_text("@slow\nclass BrowserCase(HttpCase): ...\n")
    (tests / "test_a.py").write_text(
        "class TestPlan(Base):\n    def test_short(self): ...\n    @slow\n    def test_long(self): ...\n"
        "@tagged('post_install')\nclass TestTour(browser.BrowserCase):\n    def test_open(self): ...\n"
        "class TestOther(TestPlan):\n    def test_long(self): ...\n"
    )
    return tests.parent


def test_the_fast_part_leaves_slow_tests_out(marked_addon):
    everything = selection.test_tags(marked_addon, "", fast=True)
    assert everything == ("/an_addon,-/an_addon:TestPlan.test_long,-/an_addon:TestTour.test_open", 3)
    chosen = selection.test_tags(marked_addon, "long or tour", fast=True)
    assert chosen == ("/an_addon:TestOther.test_long", 1)
    assert selection.test_tags(marked_addon, "tour", fast=True) == ("", 0)


def test_tests_and_marks_are_inherited_from_an_addon_below(marked_addon, tmp_path):
    tests = tmp_path / "another" / "tests"
    tests.mkdir(parents=True)
    (tests / "test_b.py").write_text(
        "class TestBelow(TestPlan):\n    def test_own(self): ...\nclass TestPage(BrowserCase):\n    def test_page(self): ...\n"
    )
    for addon, needed in ((marked_addon, []), (tests.parent, ["base", marked_addon.name])):
        (addon / "__manifest__.py").write_text(f"{{'depends': {needed}}}")
    assert selection.test_tags(tests.parent, "") == ("/another", 4)
    chosen = "/another:TestBelow.test_own,/another:TestBelow.test_short"
    assert selection.test_tags(tests.parent, "own or short or page", fast=True) == (chosen, 2)


def test_all_of_an_addon_includes_slow_tests(marked_addon):
    assert selection.test_tags(marked_addon, "") == ("/an_addon", 5)
    assert selection.test_tags(marked_addon, "tour") == ("/an_addon:TestTour.test_open", 1)
