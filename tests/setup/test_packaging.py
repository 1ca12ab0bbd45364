"""Each addon can be installed with pip, as OCA addons are."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tower_setup.manifests import depends, in_install_order, python_packages, read, with_own_dependencies
from tower_setup.virtualenv import at_lower_bounds, package_of

CHECKOUT = Path(__file__).parents[2]
ADDONS = sorted(path.parent.name for path in CHECKOUT.glob("*/__manifest__.py"))
NAMED = python_packages(CHECKOUT, ADDONS)
REQUIREMENTS = (CHECKOUT / "requirements.txt").read_text("utf-8")
BOUNDS = {
    package_of(line): line.removeprefix(package_of(line))
    for line in REQUIREMENTS.splitlines()
    if package_of(line) in NAMED
}


@pytest.mark.parametrize("addon", ADDONS)
def test_wheel_holds_the_whole_addon(addon, tmp_path):
    # A copy, because building leaves files behind; outside of git, so that the version is the manifest's.
    source = shutil.copytree(CHECKOUT / addon, tmp_path / addon, ignore=shutil.ignore_patterns("__pycache__"))
    argv = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "-w",
        str(tmp_path / "wheels"),
        str(source),
    ]
    subprocess.run(argv, check=True, timeout=300)
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    assert wheel.name.startswith(f"odoo_addon_{addon}-{read(source)['version']}")
    packed = {name.removeprefix(f"odoo/addons/{addon}/") for name in zipfile.ZipFile(wheel).namelist()}
    for entry in [*read(source)["data"], *read(source).get("demo", []), "__manifest__.py"]:
        assert entry in packed
    static = {str(path.relative_to(source)) for path in (source / "static").rglob("*") if path.is_file()}
    assert static <= packed


def test_addons_of_others_that_ours_need(tmp_path):
    for name, needed in {"one": ["base", "mail"], "two": ["one", "web", "base"], "three": []}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "__manifest__.py").write_text(f"# A comment.\n{{'depends': {needed}}}\n")
    assert depends(tmp_path, ["one", "two", "three"]) == ["base", "mail", "web"]


def test_our_addons_come_after_those_that_they_depend_on(tmp_path):
    needs = {"c_base": ["base"], "a_top": ["b_middle", "web"], "b_middle": ["c_base"], "d_other": ["c_base"]}
    for name, needed in needs.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "__manifest__.py").write_text(f"{{'depends': {needed}}}\n")
    assert in_install_order(tmp_path, needs) == ["c_base", "b_middle", "a_top", "d_other"]
    assert with_own_dependencies(tmp_path, "a_top", needs) == ["c_base", "b_middle", "a_top"]
    assert with_own_dependencies(tmp_path, "c_base", needs) == ["c_base"]


def test_manifests_and_requirements_name_the_same_bounds():
    assert set(BOUNDS) == set(NAMED)
    bounded = {name: bounds for name, bounds in NAMED.items() if bounds}
    assert {name: BOUNDS[name] for name in bounded} == bounded


@pytest.mark.parametrize("name", ["paramiko", "jinja2", "simpleeval"])
def test_packages_whose_private_names_are_used_have_an_upper_bound(name):
    assert ",<" in NAMED[name]


def test_lowest_versions():
    text = "# one\nparamiko>=4.0,<5.2\nJinja2>=3.1\nlxml>=5\npytest\n"
    assert at_lower_bounds(text, {"paramiko", "jinja2"}) == (
        "# one\nparamiko==4.0\njinja2==3.1\nlxml>=5\npytest\n"
    )


def test_each_package_of_the_manifests_has_a_lower_bound():
    assert at_lower_bounds(REQUIREMENTS, NAMED).count("==") == len(NAMED)
