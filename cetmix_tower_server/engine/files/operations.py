"""Operations on a host's files and their outcomes: the words that runs and files store."""

from __future__ import annotations

# Operations
PUSH, PULL, COMPARE, DELETE = "push", "pull", "compare", "delete"

# Outcomes
PUSHED = "pushed"
SKIPPED = "skipped"
UNCHANGED = "unchanged"
PULLED = "pulled"
DELETED = "deleted"
FAILED = "error"
SAME = "same"
DIFFERS = "differs"
MISSING = "missing"
