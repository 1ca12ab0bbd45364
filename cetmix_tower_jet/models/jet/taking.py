"""Taking what a unique index reserves, next to transactions that this one does not see."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from psycopg2.errors import UniqueViolation

#: Transactions that are faster, at most. Each one costs a wait for its end.
ATTEMPTS = 1000
CONFLICTING_KEY = re.compile(r"\)=\((.*)\)")  # "Key (a, b)=(1, 2) ...", the same in every language


def take_free(
    undone: Callable[[], AbstractContextManager],
    index: str,
    take: Callable[[], Any],
    learn: Callable[[str], None],
) -> Any:
    """Take something free; if another transaction has taken it meanwhile, take the next.

    The rows of that transaction are not visible to this one, so what it took is learned from the database's error.

    :param undone: returns a context manager that rolls back its block after an error
    :param index: name of the unique index that reserves it
    :param take: chooses and takes; called again after each conflict
    :param learn: called with the key that turned out to be taken, as text: "1, 2"
    :return: what ``take`` returned
    """
    for attempts_left in reversed(range(ATTEMPTS)):
        try:
            with undone():
                return take()
        except UniqueViolation as error:
            match = CONFLICTING_KEY.search(error.diag.message_detail or "")
            if error.diag.constraint_name != index or not match or not attempts_left:
                raise
            learn(match[1])
    return None
