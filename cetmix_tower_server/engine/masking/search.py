"""Finds forms of secrets in a text, and text that may become one when more arrives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .forms import group_by_anchor

WORD_BELOW = 4  # characters: shorter forms are replaced as whole words only
KEY_LENGTH = 4  # characters of a form's beginning that are looked for at the end of a chunk


class Finder:
    """Finds forms in texts.

    :param names: {form: name of its secret}
    """

    def __init__(self, names: Mapping[str, str]):
        self._names = names
        self._groups = group_by_anchor(names)
        self._one_line = _Beginnings(form for form in names if "\n" not in form)
        self._multi_line = _Beginnings(form for form in names if "\n" in form)
        self.longest = max(map(len, names), default=0)

    def occurrences(self, text: str, before: str) -> list[tuple[int, int, str]]:
        """Return (start, end, name) of secrets in the text, in no order.

        :param before: character before the text, or ""
        """
        return [
            (start, start + len(form), self._names[form])
            for anchor, forms in self._groups
            if anchor in text
            for form in forms
            for start in _positions(text, form, before)
        ]

    def open_start(self, text: str) -> int:
        """Return where the last part of the text begins that may become a secret when more text arrives."""
        line_start = text.rfind("\n") + 1
        return min(self._one_line.first(text, line_start), self._multi_line.first(text, 0))


class _Beginnings:
    """Finds a form that has begun at the end of a text but is not complete there."""

    def __init__(self, forms: Iterator[str]):
        self._by_key: dict[str, list[str]] = {}
        self._short: set[str] = set()
        self._longest = 0
        for form in forms:
            # A word is complete only when the next character is known.
            can_be_open = len(form) + (len(form) < WORD_BELOW) - 1
            self._longest = max(self._longest, can_be_open)
            self._short.update(form[:length] for length in range(1, min(KEY_LENGTH - 1, can_be_open) + 1))
            if len(form) > KEY_LENGTH:
                self._by_key.setdefault(form[:KEY_LENGTH], []).append(form)

    def first(self, text: str, start: int) -> int:
        """Return the first position from ``start`` where an unfinished form begins, else the text's length."""
        start = max(start, len(text) - self._longest)
        if start >= len(text):
            return len(text)
        ends = (len(text) - size for size in range(1, KEY_LENGTH) if text[-size:] in self._short)
        return min(position for position in (self._long(text, start), *ends) if position >= start)

    def _long(self, text: str, start: int) -> int:
        """Return the first position where at least the key of an unfinished form is seen."""
        if len(text) - start < len(self._by_key):  # fewer places than keys: look at the places
            places = range(start, len(text) - KEY_LENGTH + 1)
            keys = ((place, self._by_key.get(text[place : place + KEY_LENGTH])) for place in places)
            found = (place for place, forms in keys if forms and _is_open(text[place:], forms))
            return next(found, len(text))
        positions = (self._first_of_key(text, start, key, forms) for key, forms in self._by_key.items())
        return min((position for position in positions if position >= 0), default=len(text))

    @staticmethod
    def _first_of_key(text: str, start: int, key: str, forms: list[str]) -> int:
        position = text.find(key, start)
        while position >= 0:
            if _is_open(text[position:], forms):
                return position
            position = text.find(key, position + 1)
        return -1


def _is_open(rest: str, forms: list[str]) -> bool:
    """Tell whether the rest of a text is the beginning of a form, but not all of it."""
    return any(len(form) > len(rest) and form.startswith(rest) for form in forms)


def _positions(text: str, form: str, before: str) -> Iterator[int]:
    """Yield where the form occurs, leaving out occurrences that two overlapping others cover."""
    size = len(form)
    position = text.find(form)
    while position >= 0:
        if size >= WORD_BELOW or _is_word(text, position, size, before):
            yield position
        overlapping = text.rfind(form, position + 1, position + 2 * size - 1) if size >= WORD_BELOW else -1
        position = overlapping if overlapping >= 0 else text.find(form, position + 1)


def _is_word(text: str, position: int, size: int, before: str) -> bool:
    """Tell whether no word character touches a word character of the form from outside."""
    left = text[position - 1] if position else before
    right = text[position + size : position + size + 1]
    return not (
        (_is_word_character(left) and _is_word_character(text[position]))
        or (_is_word_character(right) and _is_word_character(text[position + size - 1]))
    )


def _is_word_character(character: str) -> bool:
    return character.isalnum() or character == "_"
