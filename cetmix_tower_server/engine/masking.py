"""Replacing secrets in text and in streams, however the stream is cut.

A secret is replaced by ``*** name ***`` in every form of :mod:`masking_forms`. Forms that overlap become one
replacement, so that no rest of a second secret stays visible. Forms shorter than four characters are only
replaced as whole words: a password "1" must not turn "10:15" into stars. (It is a word where no letter, digit or
underscore touches a letter, digit or underscore of it.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from .masking_forms import group_by_anchor, secret_forms
from .results import Secret

WORD_BELOW = 4  # characters: shorter forms are replaced as whole words only
KEY_LENGTH = 4  # characters of a form's beginning that are looked for at the end of a chunk


class Masker:
    """Knows the secrets of one run.

    :param secrets: {name: secret}, or (name, secret) pairs where a name may have two values; of two secrets with the same
        value the first name is shown
    """

    def __init__(self, secrets: Mapping[str, Secret] | Iterable[tuple[str, Secret]]):
        pairs = secrets.items() if isinstance(secrets, Mapping) else secrets
        self.secrets__ = tuple(pairs)
        self._names: dict[str, str] = {}
        for name, secret in self.secrets__:
            for form in secret_forms(secret.reveal()):
                self._names.setdefault(form, name)
        self._groups = group_by_anchor(self._names)
        self._one_line = _Beginnings(form for form in self._names if "\n" not in form)
        self._multi_line = _Beginnings(form for form in self._names if "\n" in form)

    def __repr__(self) -> str:
        return f"<Masker of {len(set(self._names.values()))} secrets>"

    def mask(self, text: str) -> str:
        """Return the text with every secret replaced."""
        if not any(anchor in text for anchor, _forms in self._groups):
            return text
        stream = self.stream()
        return stream.feed(text) + stream.flush()

    def names_in(self, text: str) -> set[str]:
        """Return the names of the secrets that the text contains."""
        return {name for _start, _stop, name in self.occurrences(text, "")}

    def stream(self) -> MaskStream:
        """Return a masker for one stream of chunks."""
        return MaskStream(self)

    def occurrences(self, text: str, before: str) -> list[tuple[int, int, str]]:
        """Return (start, end, name) of secrets in the text, by start, the longest first.

        :param before: character before the text, or ""
        """
        found = [
            (start, start + len(form), self._names[form])
            for anchor, forms in self._groups
            if anchor in text
            for form in forms
            for start in _positions(text, form, before)
        ]
        found.sort(key=lambda occurrence: (occurrence[0], -occurrence[1]))
        return found

    def open_start(self, text: str) -> int:
        """Return where the last part of the text begins that may become a secret when more text comes."""
        line_start = text.rfind("\n") + 1
        return min(self._one_line.first(text, line_start), self._multi_line.first(text, 0))


class MaskStream:
    """Masks one stream; what may be the beginning of a secret is kept back until it is decided."""

    def __init__(self, masker: Masker):
        self._masker = masker
        self._held = ""
        self._before = ""  # last character that was let out
        self._covered = 0  # characters of _held that belong to a replacement that was let out

    def feed(self, text: str) -> str:
        """Return the masked text that is decided so far."""
        text = self._held + text
        return self._let_out(text, self._masker.open_start(text))

    def flush(self) -> str:
        """Return the masked rest at the end of the stream."""
        return self._let_out(self._held, len(self._held))

    def _let_out(self, text: str, end: int) -> str:
        """Return the masked text before ``end`` and keep the rest."""
        pieces = []
        position = self._covered
        for start, stop, name in self._masker.occurrences(text, self._before):
            if start >= end:
                break
            if start >= position:
                pieces += (text[position:start], f"*** {name} ***")
            position = max(position, stop)
        if position < end:
            pieces.append(text[position:end])
        self._before = text[end - 1] if end else self._before
        self._held = text[end:]
        self._covered = max(0, position - end)
        return "".join(pieces)


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
