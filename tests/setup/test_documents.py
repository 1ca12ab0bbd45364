"""What the documents point to exists: links, files, the line of the first change in CONTRIBUTING.md; changelog sections."""

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md"), *CHECKOUT.glob("cetmix_*/readme/*.md")]
)
LINK = re.compile(r"\]\(([^)#:\s]+)(#[^)\s]*)?\)")
NAMED_FILE = re.compile(r"`((?:setup|tests|docs|cetmix_\w+|\.ci)/[\w./-]*\w)`")
# Developers' pages name packages and files of an addon without the addon's folder.
NAMED_ROOM = re.compile(r"`((?:models|worker|engine|wizards|static|controllers)/[\w./]*\w)`")
ADDONS = sorted(path.parent for path in CHECKOUT.glob("*/__manifest__.py"))


def code_left_out(document):
    return re.sub(r"```.*?```", "", document.read_text("utf-8"), flags=re.S)


def anchors(document):
    """The anchors that a reader of Markdown makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", code_left_out(document), re.M)
    return {"#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_links_and_named_files_exist(document):
    text = code_left_out(document)
    missing = [path for path in NAMED_FILE.findall(text) if not (CHECKOUT / path).exists()]
    if document.parent.name == "developer":
        missing += [
            path
            for path in NAMED_ROOM.findall(text)
            if not any((addon / path).exists() or (addon / f"{path}.py").exists() for addon in ADDONS)
        ]
    for path, anchor in LINK.findall(text):
        target = document.parent / path
        if not target.exists() or anchor and anchor not in anchors(target):
            missing.append(path + anchor)
    assert missing == []


def test_the_first_change_can_be_made_as_it_is_described():
    section = (CHECKOUT / "CONTRIBUTING.md").read_text("utf-8").split("\n## ")[1]
    path, old = re.search(r"`(\S+\.py)`\s+says\s+so. Change its `(\S+)`", section).groups()
    assert (CHECKOUT / path).read_text("utf-8").count(old) == 1
    module, test = re.search(r"FAILED  (\S+)\.(test_\w+)", section).groups()
    assert f"def {test}(" in (CHECKOUT / module.replace(".", "/")).with_suffix(".py").read_text("utf-8")


@pytest.mark.parametrize("addon", [path.name for path in ADDONS])
def test_the_changelog_has_a_section_for_each_addon(addon):
    assert f'name = "{addon}"\npath = "{addon}/readme"\n' in (CHECKOUT / "pyproject.toml").read_text("utf-8")
