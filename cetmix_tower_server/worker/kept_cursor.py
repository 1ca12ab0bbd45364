"""A database connection that is kept between short transactions: quick steps end many times a second."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.sql_db import Cursor

KEPT_S = 3  # the connection is given back after this long without use


class KeptCursor:
    """Transactions on one connection, for one thread at a time.

    :param dbname: name of the database
    """

    def __init__(self, dbname: str):
        self._dbname = dbname
        self._idle: list[Cursor] = []  # at most one
        self._used = 0.0

    @contextmanager
    def transaction(self) -> Iterator[api.Environment]:
        """Give an environment, as superuser; commits when the block ends without error."""
        try:
            cr = self._idle.pop()
        except IndexError:  # also when it is being given back at this moment
            cr = Registry(self._dbname).cursor()
        try:
            yield api.Environment(cr, SUPERUSER_ID, {})
            cr.commit()  # its transaction is its own  # pylint: disable=invalid-commit
        except BaseException:
            cr.close()
            raise
        self._used = time.monotonic()
        if isinstance(cr, Cursor):
            self._idle.append(cr)
        else:
            cr.close()  # a test's cursor: they are closed in the order they were opened

    def give_back(self) -> None:
        """Close the connection when it was not used for a while."""
        if self._idle and time.monotonic() - self._used > KEPT_S:
            with suppress(IndexError):  # another thread took it after all
                self._idle.pop().close()
