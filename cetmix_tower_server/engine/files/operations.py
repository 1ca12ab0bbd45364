"""What can be done with a file on a host, and what can come of it: the words that runs and files keep."""

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
