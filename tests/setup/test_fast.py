"""setup/test fast: which suites it is, and what it does to the database that it keeps."""

from types import SimpleNamespace

import pytest
from tower_setup import suites
from tower_setup.outcomes import Outcome
from tower_setup.paths import Layout


def test_what_the_fast_suite_consists_of():
    layout = Layout.of_this_checkout()
    addons = [f"fast part of {name}" for name in layout.addon_names()]
    assert addons[0] == "fast part of cetmix_tower_server"
    assert list(suites._choose(["fast"], layout)) == ["engine", "worker", *addons]


class KeptDatabase:
    """Runs the fast suite of an addon with a fake Odoo, and notes the options that Odoo gets."""

    def __init__(self, folder, monkeypatch):
        self.model = folder / "an_addon" / "models.py"
        self.databases = set()
        self.created = 0
        self.is_complete = True
        self.options = []
        self.below = []
        for name, text in {
            "tests/test_a.py": "class TestA:\n    def test_x(self): ...",
            "models.py": "",
        }.items():
            path = folder / "an_addon" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        odoo = SimpleNamespace(database=SimpleNamespace(exists=self.databases.__contains__))
        layout = SimpleNamespace(
            checkout=folder, with_own_dependencies=lambda addon: [*self.below, folder / addon]
        )
        self.bench = SimpleNamespace(layout=layout, expression="", folder=folder, odoo=lambda: odoo)
        monkeypatch.setattr(suites, "_drop", lambda odoo, name: self.databases.discard(name))
        monkeypatch.setattr(suites, "_fresh_database", self.create)
        monkeypatch.setattr(suites, "_run_odoo_tests", self.run_odoo)

    def create(self, bench, odoo, name):
        self.databases.add(name)
        self.created += 1

    def run_odoo(self, bench, odoo, addon, options, total):
        self.options = options[2:-1]
        if self.is_complete is None:
            raise KeyboardInterrupt
        return Outcome(total), self.is_complete

    def run(self):
        suites._fast_odoo_suite("an_addon")(self.bench)
        return self.options


@pytest.fixture
def kept(tmp_path, monkeypatch):
    return KeptDatabase(tmp_path, monkeypatch)


def test_the_addon_is_installed_once_and_updated_when_its_fields_change(kept):
    assert kept.run() == ["-i", "an_addon"]
    assert kept.run() == []
    kept.model.write_text("class A:\n    name = fields.Char()\n")
    assert kept.run() == ["-u", "an_addon"]
    assert kept.run() == []
    assert kept.created == 1


def test_the_addons_that_it_depends_on_are_updated_with_it(kept):
    below = kept.model.parent.parent / "below" / "models.py"
    below.parent.mkdir()
    below.write_text("")
    kept.below = [below.parent]
    assert kept.run() == ["-i", "an_addon"]
    below.write_text("class B:\n    name = fields.Char()\n")
    assert kept.run() == ["-u", "below,an_addon"]


def test_the_database_of_a_run_that_was_interrupted_is_not_used_again(kept):
    kept.run()
    kept.is_complete = None
    with pytest.raises(KeyboardInterrupt):
        kept.run()
    kept.is_complete = True
    assert kept.run() == ["-i", "an_addon"]
    assert kept.created == 2


def test_the_database_of_a_run_that_did_not_reach_its_tests_is_not_used_again(kept):
    kept.run()
    kept.is_complete = False
    kept.run()
    kept.is_complete = True
    assert kept.run() == ["-i", "an_addon"]


def test_a_database_that_somebody_dropped_is_created_again(kept):
    kept.run()
    kept.databases.clear()
    assert kept.run() == ["-i", "an_addon"]
