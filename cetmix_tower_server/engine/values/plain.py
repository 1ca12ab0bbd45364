"""Converts values that an author's Python returns into what a database can store, and explains in one sentence what it cannot store."""

from __future__ import annotations

import datetime
import decimal
import math
import re
from collections.abc import Iterable, Mapping, Sequence, Set, ValuesView
from typing import Any

from ..errors import EngineError
from ..exit_codes import ExitCode

DEPTH_MAX = 50  # lists and dictionaries inside each other
DIGITS_MAX = 1000  # of an integer; more than anybody needs, less than what takes long to print
SIZE_MAX = 1_000_000  # characters in total: each step of a flight plan stores a copy
# No database stores NUL and lone surrogates, and XML cannot contain noncharacters.
UNSTORABLE = re.compile("[\0\ud800-\udfff\ufffe\uffff]")
_DATES = (datetime.date, datetime.time, datetime.timedelta, decimal.Decimal)


class UnstorableValue(EngineError):
    """A value that cannot be stored; the message says which one, why, and what to do."""

    exit_code = ExitCode.PYTHON_COMMAND_ERROR


def plain(value: Any, where: str) -> Any:
    """Return a value as JSON can carry it: dates and decimals as texts, tuples and sets as lists.

    :param where: what messages call the value, as the author writes it
    :raise UnstorableValue: it cannot be stored
    """
    return _Converter().convert(value, where, 0)


def storable_text(text: str) -> str:
    """Return a text in which symbols replace what no database stores: NUL and lone surrogates."""
    return UNSTORABLE.sub(
        lambda match: "\N{SYMBOL FOR NULL}" if match[0] == "\0" else "\N{REPLACEMENT CHARACTER}", text
    )


class _Converter:
    def __init__(self):
        self._size = 0
        self._around: set[int] = set()  # ids of the containers around the current value

    def convert(self, value: Any, where: str, depth: int) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            return self._whole_number(int(value), where)
        if isinstance(value, float):
            if not math.isfinite(value):
                raise UnstorableValue(f"{where} is {value}, which cannot be stored: use None or a string.")
            return float(value)
        if hasattr(value, "_name") and hasattr(value, "ids"):
            raise UnstorableValue(
                f"{where} is a record, which cannot be stored: use its id, reference or name."
            )
        if isinstance(value, (bytes, bytearray, memoryview)):
            raise UnstorableValue(
                f"{where} is bytes, which cannot be stored: convert it to a string, for example with .decode()."
            )
        if isinstance(value, _DATES):
            return self._text(str(value), where)
        if isinstance(value, (Mapping, Sequence, Set, ValuesView)) and not isinstance(value, str):
            return self._inside(value, where, depth)
        return self._text(_text_of(value, where), where)

    def _inside(self, value: Any, where: str, depth: int) -> Any:
        if id(value) in self._around:
            raise UnstorableValue(f"{where} contains itself: store a copy of what you need.")
        if depth >= DEPTH_MAX:
            raise UnstorableValue(
                f"{where} is nested more than {DEPTH_MAX} levels deep: store it as a flat list or a string."
            )
        self._around.add(id(value))
        try:
            if isinstance(value, Mapping):
                return {
                    self._key(key, where): self.convert(item, f"{where}[{_short(key)}]", depth + 1)
                    for key, item in value.items()
                }
            items: Iterable[Any] = value
            return [self.convert(item, f"{where}[{number}]", depth + 1) for number, item in enumerate(items)]
        finally:
            self._around.discard(id(value))

    def _key(self, key: Any, where: str) -> str:
        if not isinstance(key, (str, int, float, *_DATES)) and key is not None:
            raise UnstorableValue(f"A key in {where} is {_kind(key)}: keys must be strings.")
        return self._text(str(key), f"A key in {where}")

    def _whole_number(self, number: int, where: str) -> int:
        if number.bit_length() > DIGITS_MAX * math.log2(10):
            raise UnstorableValue(
                f"{where} is a number of more than {DIGITS_MAX} digits: store it as a string."
            )
        self._count(number.bit_length() // 3, where)
        return number

    def _text(self, text: str, where: str) -> str:
        match = UNSTORABLE.search(text)
        if match:
            what = "NUL" if match[0] == "\0" else "half a character"
            raise UnstorableValue(
                f"{where} contains {what}, which cannot be stored: remove it, for example with .replace()."
            )
        self._count(len(text), where)
        return text

    def _count(self, size: int, where: str) -> None:
        self._size += size + 1
        if self._size > SIZE_MAX:
            raise UnstorableValue(
                f"{where}: all values together have more than {SIZE_MAX:,} characters. Write large content to a file."
            )


def _text_of(value: Any, where: str) -> str:
    """Return the text of an object that has one, such as a translation; an object that only prints its address has none."""
    if type(value).__str__ is object.__str__ or isinstance(value, type):
        raise UnstorableValue(
            f"{where} is {_kind(value)}, which cannot be stored: convert it to a string, number, list or dictionary."
        )
    try:
        return str(value)
    except Exception as error:
        raise UnstorableValue(
            f"{where} cannot be converted to a string: {type(error).__name__}: {error}"
        ) from None


def _kind(value: Any) -> str:
    name = type(value).__name__
    return f"an {name}" if name[:1].lower() in "aeiou" else f"a {name}"


def _short(key: Any) -> str:
    text = str(key)
    return f'"{text[:40]}{"…" if len(text) > 40 else ""}"'
