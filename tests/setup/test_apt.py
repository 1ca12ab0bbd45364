"""The machine's package sources are read as apt reads them."""

import pytest
from tower_setup import apt
from tower_setup.errors import SetupError

DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.invalid/debian http://second.invalid/debian
Suites: trixie trixie-updates
Components: main contrib
Signed-By: /keys/debian.gpg

Types: deb-src
URIs: http://mirror.invalid/sources
Suites: trixie
Components: main

Types: deb
Enabled: no
URIs: http://off.invalid/debian
Suites: trixie
Components: main
"""


def test_deb822_sources():
    found = apt.parse_deb822(DEB822)
    assert {(s.uri, s.suite) for s in found} == {
        (f"http://{host}.invalid/debian", suite)
        for host in ("mirror", "second")
        for suite in ("trixie", "trixie-updates")
    }
    assert {s.keyring for s in found} == {"/keys/debian.gpg"}
    assert {s.components for s in found} == {"main contrib"}


def test_an_embedded_key_is_not_taken_for_a_path():
    text = "Types: deb\nURIs: http://a.invalid/\nSuites: x\nComponents: main\nSigned-By:\n -----BEGIN PGP\n .\n abc"
    assert apt.parse_deb822(text)[0].keyring == ""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "deb http://a.invalid/debian bookworm main contrib # note",
            apt.Source("http://a.invalid/debian", "bookworm", "main contrib"),
        ),
        (
            "deb [arch=amd64 signed-by=/k.gpg] http://a.invalid/ sid main",
            apt.Source("http://a.invalid/", "sid", "main", "/k.gpg"),
        ),
        ("deb-src http://a.invalid/debian bookworm main", None),
        ("# deb http://a.invalid/debian bookworm main", None),
    ],
)
def test_one_line_sources(line, expected):
    assert apt.parse_one_line(line) == ([expected] if expected else [])


def test_only_the_machines_own_release_counts(tmp_path, monkeypatch):
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("deb http://third.invalid/ stable main\n")
    (tmp_path / "sources.list.d/debian.sources").write_text(DEB822)
    monkeypatch.setattr(apt, "ETC_APT", tmp_path)
    monkeypatch.setattr(apt, "os_release", lambda: {"ID": "debian", "VERSION_CODENAME": "trixie"})
    monkeypatch.delenv(apt.MIRROR_VARIABLE, raising=False)
    assert {s.suite for s in apt.machine_sources()} == {"trixie", "trixie-updates"}
    assert apt.debian_mirror() == "http://mirror.invalid/debian"


def test_the_error_on_another_system_names_what_to_set(monkeypatch):
    monkeypatch.setattr(apt, "os_release", lambda: {"ID": "other"})
    monkeypatch.delenv(apt.MIRROR_VARIABLE, raising=False)
    with pytest.raises(SetupError, match="ODOO_HOME"):
        apt.debian_mirror()
