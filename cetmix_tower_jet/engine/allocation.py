"""Values that are given out from a range or a pattern, such as ports."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

SIZE_MAX = 1_000_000
DIGITS_MAX = 18

_PATTERN = re.compile(r"([^{}]*)\{([^{}]*)\}([^{}]*)")
_COUNTER = re.compile(r"\{[^{}]*\}")
_BOUNDS = re.compile(r"\s*(-?[0-9]+)\s*-\s*(-?[0-9]+)\s*")


class AllocationError(ValueError):
    """A text is no range and no pattern. ``str(error)`` says why, in a sentence."""


@dataclass(frozen=True)
class AllocationRange:
    """Numbers from a first to a last one, between two fixed texts. ``value in range`` compares the exact text.

    :param width: shorter numbers are padded with zeros
    """

    prefix: str
    first: int
    last: int
    width: int
    suffix: str

    @classmethod
    def parse(cls, text: str) -> AllocationRange:
        """Read a range (``8000-8999``) or a pattern with one counter (``shop{01-99}``, ``db_{1-20}.local``).

        Numbers are padded with zeros to the width of the first bound. Spaces around the text are ignored.

        :raise AllocationError: neither of them, or more than a million values
        """
        text = text.strip()
        if not text:
            raise AllocationError(
                "The range is empty. Enter a range such as 8000-8999, or a pattern such as shop{01-99}."
            )
        prefix, bounds, suffix = _split(text)
        first, last = _read_bounds(bounds)
        found = cls(prefix, int(first), int(last), len(first), suffix)
        if found.size < 1:
            raise AllocationError(f"The range {bounds} is reversed: {first} is greater than {last}.")
        if found.size > SIZE_MAX:
            raise AllocationError(
                f"The range {bounds} has {found.size:,} values. No more than {SIZE_MAX:,} are possible."
            )
        return found

    @property
    def size(self) -> int:
        """How many values there are."""
        return self.last - self.first + 1

    def __iter__(self) -> Iterator[str]:
        """Yield all values in order, made one by one."""
        return (self._value(number) for number in range(self.first, self.last + 1))

    def __contains__(self, value: object) -> bool:
        return self._number(value) is not None

    def lowest_free(self, taken: Iterable[str]) -> str | None:
        """Return the first value that is not taken; None if all are. The time grows with ``taken``, not with the range.

        :param taken: values in use; those outside the range are ignored
        """
        numbers = {self._number(value) for value in taken}
        number = self.first
        while number in numbers:
            number += 1
        return self._value(number) if number <= self.last else None

    def _value(self, number: int) -> str:
        return f"{self.prefix}{number:0{self.width}}{self.suffix}"

    def _number(self, value: object) -> int | None:
        """Return the number in a value of the range; None for any other value."""
        if not isinstance(value, str) or len(value) > len(self._value(self.last)):
            return None
        digits = value.removeprefix(self.prefix).removesuffix(self.suffix)
        if not (digits.isascii() and digits.isdigit()):
            return None
        number = int(digits)
        return number if self.first <= number <= self.last and self._value(number) == value else None


def _split(text: str) -> tuple[str, str, str]:
    """Return the text before the counter, the bounds and the text behind."""
    if "{" not in text and "}" not in text:
        return "", text, ""
    match = _PATTERN.fullmatch(text)
    if match:
        return match[1], match[2], match[3]
    if len(_COUNTER.findall(text)) > 1:
        raise AllocationError(f'The pattern "{text}" has several counters. Write only one.')
    raise AllocationError(f'The braces in "{text}" do not enclose a counter. Write one such as {{01-99}}.')


def _read_bounds(bounds: str) -> tuple[str, str]:
    """Return both bounds as they are written."""
    match = _BOUNDS.fullmatch(bounds)
    if not match:
        raise AllocationError(
            f'"{bounds}" is not a range. Write the first and the last number, such as 8000-8999.'
        )
    first, last = match.groups()
    if first.startswith("-") or last.startswith("-"):
        raise AllocationError(f"The range {bounds} has a negative number. Numbers start at 0.")
    if max(len(first), len(last)) > DIGITS_MAX:
        raise AllocationError(f"The range has a number of more than {DIGITS_MAX} digits.")
    if last.startswith("0") and len(last) > len(first):
        raise AllocationError(
            f"The last number of the range {bounds} has more leading zeros than the first. "
            "Write both with the same number of digits."
        )
    return first, last
