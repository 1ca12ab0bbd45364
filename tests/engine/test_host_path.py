"""Paths have one way to be written, and none that leads somewhere else."""

import pytest
from tower_engine.errors import RenderingError
from tower_engine.files.host_path import clean_directory, join, normalize


@pytest.mark.parametrize(
    ("directory", "name", "path"),
    [
        ("/etc", "a.conf", "/etc/a.conf"),
        (" //etc//x/./ ", " a ", "/etc/x/a"),
        ("/", "a", "/a"),
        ("~", "a", "~/a"),
        ("~/x/", ".hidden", "~/x/.hidden"),
        ("/srv/mit leer", "ü.txt", "/srv/mit leer/ü.txt"),
    ],
)
def test_joined(directory, name, path):
    assert join(directory, name) == path
    assert normalize(path) == path


@pytest.mark.parametrize(
    ("directory", "name"),
    [
        ("etc", "a"),
        ("", "a"),
        ("~root", "a"),
        ("/etc/../root", "a"),
        ("/etc", ".."),
        ("/etc", "."),
        ("/etc", ""),
        ("/etc", "  "),
        ("/etc", "a/b"),
        ("/etc\n", "a\nb"),
        ("/etc", "a\0"),
        ("/etc", "x" * 256),
        ("/" + "x/" * 2100, "a"),
    ],
)
def test_refused(directory, name):
    with pytest.raises(RenderingError):
        join(directory, name)


def test_directories_end_without_slashes():
    assert [clean_directory(text) for text in (" /a// ", "/", "//", "", "a/")] == ["/a", "/", "/", "", "a"]
