"""Check the subjects of commits: `[IMP] files: what changed`, at most 72 characters.

`commit_subject.py FILE` checks a message that is being written (the commit-msg hook);
`commit_subject.py` checks the commits of this checkout, as CI does. Commits up to BASE are older than the rule.
"""

import re
import subprocess
import sys
from pathlib import Path

BASE = "ce70a505489405ddcac3040c27c33ff08d591309"
MAX_LENGTH = 72
TAGS = ("ADD", "CLN", "DOC", "FIX", "I18N", "IMP", "MIG", "MOV", "PERF", "REF", "REL", "REM", "REV", "TEST")
SUBJECT = re.compile(rf"\[({'|'.join(TAGS)})\] [^:]*\w: \S")
# Git writes these subjects itself. The second kind never leaves the author's clone, so CI does not accept it.
WRITTEN_BY_GIT = ("Merge ", 'Revert "')
TO_BE_SQUASHED = ("fixup! ", "squash! ", "amend! ")


def problem(subject: str) -> str:
    """Return what is wrong with a subject; empty when nothing is."""
    if subject.startswith(WRITTEN_BY_GIT):
        return ""
    if not SUBJECT.match(subject):
        return f"needs a tag and a topic, as in “[IMP] files: push in one step” (tags: {', '.join(TAGS)})"
    if len(subject) > MAX_LENGTH:
        return f"is {len(subject)} characters long; {MAX_LENGTH} are allowed"
    return ""


def subjects_since_base() -> list[str]:
    """Return the subjects of all commits after BASE, merges left out.

    A shallow clone that does not reach back to BASE holds newer commits only: there, all of them are checked.
    """
    has_base = not subprocess.run(
        ["git", "cat-file", "-e", f"{BASE}^{{commit}}"], capture_output=True
    ).returncode
    commits = f"{BASE}..HEAD" if has_base else "HEAD"
    argv = ["git", "log", "--no-merges", "--format=%h %s", commits]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()


def main(arguments: list[str]) -> int:
    if arguments:
        lines = Path(arguments[0]).read_text("utf-8").splitlines()
        subject = next((line for line in lines if line.strip() and not line.startswith("#")), "")
        found = [] if subject.startswith(TO_BE_SQUASHED) else [("", subject)]
    else:
        found = [tuple(line.split(" ", 1)) for line in subjects_since_base()]
    wrong = [
        f"{commit} “{subject}” {reason}".strip() for commit, subject in found if (reason := problem(subject))
    ]
    for sentence in wrong:
        print(f"Commit subject: {sentence}.", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
