"""The secrets in use in this thread, so that its log records are masked, too.

While a thread works with secrets, its log records are masked: Odoo logs failing queries, libraries log requests, and a
traceback shows the arguments of an exception. What the database server itself logs is out of reach.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..values.custom import Secrets, masked
from .masker import Masker

_thread = threading.local()
_formatter = logging.Formatter()
_installing = threading.Lock()


@contextmanager
def secrets_in_use(masker: Masker | None) -> Iterator[None]:
    """Mask what this thread logs until the block ends.

    :param masker: knows the secrets; None where there are none
    """
    maskers = _thread.__dict__.setdefault("maskers", [])
    if masker is None or not masker.secrets__:
        yield
        return
    _install()
    maskers.append(masker)
    try:
        yield
    finally:
        maskers.remove(masker)


def known_secrets__() -> Secrets:
    """Return the secrets that the code in this thread knows."""
    maskers = getattr(_thread, "maskers", ())
    return tuple(dict.fromkeys(pair for masker in maskers for pair in masker.secrets__))


def mask_in_use(text: str) -> str:
    """Return a text without the secrets that this thread works with."""
    for masker in getattr(_thread, "maskers", ()):
        text = masker.mask(text)
    return text


def mask_values_in_use(value: Any) -> Any:
    """Return a JSON value without the secrets that this thread works with, in all its texts, keys and numbers."""
    for masker in getattr(_thread, "maskers", ()):
        value = masked(value, masker)
    return value


def names_in_use(text: str) -> list[str]:
    """Return the names of the secrets that this thread works with and the text contains, sorted."""
    return sorted({name for masker in getattr(_thread, "maskers", ()) for name in masker.names_in(text)})


def _install() -> None:
    """Wrap the factory of log records; the current factory keeps creating them."""
    with _installing:
        factory = logging.getLogRecordFactory()
        if not getattr(factory, "masks_secrets", False):
            logging.setLogRecordFactory(_masking(factory))


def _masking(factory):
    def make_record(*args, **kwargs):
        record = factory(*args, **kwargs)
        if getattr(_thread, "maskers", None):
            _mask_record(record)
        return record

    make_record.masks_secrets = True
    return make_record


def _mask_record(record: logging.LogRecord) -> None:
    """Replace the parts that handlers format by their text, masked."""
    try:
        text = record.getMessage()
    except Exception:  # what logging itself would complain about, with the arguments
        text = "(a log message could not be formatted)"
    record.msg, record.args = mask_in_use(text), ()
    if record.exc_info:
        exc_info = record.exc_info
        record.exc_text = mask_in_use(_formatter.formatException(exc_info))
        record.exc_info = None  # a handler would format it again, with the secrets
    if record.stack_info:
        record.stack_info = mask_in_use(record.stack_info)
