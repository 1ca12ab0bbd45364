"""The subjects of commits have a tag, a topic and at most 72 characters; older commits and merges are left alone."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "setup" / "hooks" / "commit_subject.py"
spec = importlib.util.spec_from_file_location("commit_subject", PROGRAM)
commit_subject = importlib.util.module_from_spec(spec)
spec.loader.exec_module(commit_subject)


@pytest.mark.parametrize(
    "subject",
    [
        "[IMP] files: push in one step",
        "[I18N] cetmix_tower_server: template",
        "[FIX] " + "t" * 63 + ": x",
        "Merge branch 'main' into a branch with a long name that somebody had no influence on whatsoever",
        'Revert "[IMP] files: push in one step, which was a subject of all the characters that are allowed"',
    ],
)
def test_good_subjects(subject):
    assert commit_subject.problem(subject) == ""


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ("files: push in one step", "needs a tag"),
        ("[WIP] files: push in one step", "needs a tag"),
        ("[IMP] push in one step", "needs a tag"),
        ("[IMP]files: push in one step", "needs a tag"),
        ("[IMP] files:", "needs a tag"),
        ("", "needs a tag"),
        ("[FIX] " + "t" * 64 + ": x", "is 73 characters long"),
    ],
)
def test_bad_subjects(subject, reason):
    assert commit_subject.problem(subject).startswith(reason)


def git(folder, *arguments):
    identity = {
        f"GIT_{who}_{what}": "t@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    done = subprocess.run(
        ["git", "-c", "protocol.file.allow=always", *arguments],
        cwd=folder,
        env={**environment, **identity, "GIT_CONFIG_GLOBAL": os.devnull},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def commit(folder, subject):
    git(folder, "commit", "--allow-empty", "-m", subject)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with a commit of each kind: before the rule, good, bad, and a merge."""
    folder = tmp_path / "origin"
    folder.mkdir()
    git(folder, "init", "-b", "main")
    monkeypatch.setattr(commit_subject, "BASE", commit(folder, "Older than the rule"))
    commit(folder, "[ADD] tests: one")
    git(folder, "checkout", "-b", "side")
    commit(folder, "[FIX] tests: on a side branch")
    git(folder, "checkout", "main")
    commit(folder, "[IMP] tests: on main")
    git(folder, "merge", "--no-ff", "-m", "A merge with a subject of its own", "side")
    return folder


def check(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    return commit_subject.main([]), capsys.readouterr().err


def test_commits_since_the_base_are_checked(repository, monkeypatch, capsys):
    assert check(repository, monkeypatch, capsys) == (0, "")
    commit(repository, "No tag")
    status, printed = check(repository, monkeypatch, capsys)
    assert status == 1
    assert printed.count("\n") == 1 and "“No tag” needs a tag" in printed


def test_a_shallow_clone_checks_what_it_has(repository, tmp_path, monkeypatch, capsys):
    commit(repository, "No tag")
    commit(repository, "[IMP] tests: the newest")
    for depth, status in ((1, 0), (2, 1)):
        clone = tmp_path / f"clone-{depth}"
        git(tmp_path, "clone", "--depth", str(depth), repository.as_uri(), str(clone))
        assert check(clone, monkeypatch, capsys)[0] == status


def test_the_hook_reads_the_message_that_is_being_written(tmp_path):
    message = tmp_path / "COMMIT_EDITMSG"
    for text, status in (
        ("# a comment\n\n[IMP] files: push in one step\n\nBecause.\n", 0),
        ("fixup! [IMP] files: push in one step\n", 0),
        ("push in one step\n", 1),
    ):
        message.write_text(text)
        done = subprocess.run([sys.executable, str(PROGRAM), str(message)], capture_output=True, text=True)
        assert done.returncode == status, done.stderr


def test_the_base_is_a_commit_of_this_repository():
    """Where the history is whole; a source archive has none, a shallow clone not all of it."""
    argv = ["git", "-C", str(PROGRAM.parent), "rev-parse", "--is-shallow-repository"]
    if subprocess.run(argv, capture_output=True, text=True).stdout.strip() == "false":
        argv[3:] = ["merge-base", "--is-ancestor", commit_subject.BASE, "HEAD"]
        assert subprocess.run(argv).returncode == 0
