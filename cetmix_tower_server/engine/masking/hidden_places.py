"""Hides the secrets in a host's version of a file, whatever their values.

After a secret was changed, the host's file still contains the former value, which no masker knows. So the host's text is
compared with Tower's, line by line: where Tower's text has a secret, the host's text is hidden. Lines with other words around
the secret, and lines whose counterpart in Tower's text is uncertain, are hidden completely: the value may span several lines.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from ..python import literals as python_literals
from ..secret import Secret, mask_of
from ..template.placeholders import with_placeholders
from .masker import Masker

OTHER_VALUE = "another value"
HIDDEN = mask_of("hidden: this may be a secret")
LINES_MAX = 20_000  # of both texts: comparing more takes too long
VALUE_MIN = 4  # characters that a value found at a place must have to be hidden elsewhere, too


@dataclass(frozen=True)
class Template:
    """Tower's text of a file.

    :param text: with the same character in place of each secret
    :param mark: that character
    :param names: of the secrets, in the order of their places
    """

    text: str = ""
    mark: str = ""
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, content: str, nonce: str, carried: Masker) -> Template:
        """Return the template of a file's content.

        :param content: rendered, with marks of secrets
        :param nonce: of the marks
        :param carried: finds secrets that stand in the content itself, from custom values of a run
        """
        text, mark, references = with_placeholders(content, nonce)
        mark = mark or python_literals.unused_character(text)
        remaining, names, pieces, position = iter(references), [], [], 0
        for start, end, name in carried.occurrences(text, ""):
            if start >= position:
                before = text[position:start]
                names += [next(remaining) for _place in range(before.count(mark))] + [name]
                pieces += [before, mark]
            position = max(position, end)
        return cls("".join([*pieces, text[position:]]), mark, (*names, *remaining))


def hide(template: Template, on_host: str, masker: Masker) -> str:
    """Return a host's text as people may see it next to Tower's.

    :param template: Tower's text
    :param masker: knows the current values
    """
    shown = masker.mask(on_host)
    if not template.names:
        return shown
    ours, theirs = masker.mask(template.text).splitlines(keepends=True), shown.splitlines(keepends=True)
    if len(ours) + len(theirs) > LINES_MAX:
        return HIDDEN
    return _Comparison(template, ours, theirs).hidden()


class _Comparison:
    """Compares the lines of a host with ours.

    :param ours: lines with marks
    :param theirs: lines in which the current values are masked
    """

    def __init__(self, template: Template, ours: Sequence[str], theirs: Sequence[str]):
        self.mark = template.mark
        self.ours = ours
        self.theirs = list(theirs)
        self.values: set[str] = set()  # what was found at places of secrets
        remaining = iter(template.names)
        self.names = [[next(remaining) for _place in range(line.count(self.mark))] for line in ours]

    def hidden(self) -> str:
        present = [self._as_masked(line, names) for line, names in zip(self.ours, self.names, strict=True)]
        matcher = difflib.SequenceMatcher(None, present, self.theirs, autojunk=False)
        blocks = [block for block in matcher.get_opcodes() if block[0] != "equal"]
        others = [range(block[3], block[4]) for block in blocks]
        # Our lines with secrets that are not surely beside theirs: (number, whether a line of theirs stands for it all the same).
        missing: list[tuple[int, bool]] = []
        for kind, start, end, there_start, there_end in blocks:
            secret, there = [n for n in range(start, end) if self.names[n]], range(there_start, there_end)
            if kind == "replace" and secret:
                elsewhere = [n for n in secret if not any(self._is_place(n, line) for line in there)]
                missing += [(n, len(there) >= end - start and self._has_words(n)) for n in elsewhere]
            else:
                missing += [(number, False) for number in secret]
        moved = [(number, self._places_of(number, others)) for number, _hidden in missing]
        for kind, start, end, there_start, there_end in blocks:
            secret = [number for number in range(start, end) if self.names[number]]
            if kind == "replace" and secret:
                self._hide_block(secret, range(there_start, there_end))
        for (number, places), (_number, is_hidden) in zip(moved, missing, strict=True):
            for there in places or (
                [] if is_hidden else others
            ):  # moved; or nobody knows where it stands, if it does
                self._hide_block([number], there)
        self._hide_values(others)
        return "".join(self.theirs)

    def _as_masked(self, line: str, names: Sequence[str]) -> str:
        """Return one of our lines as it looks in their text when the values are the current ones."""
        for name in names:
            line = line.replace(self.mark, mask_of(name), 1)
        return line

    def _around(self, number: int) -> tuple[str, str]:
        """Return what stands in one of our lines before its first secret, and behind its last one."""
        parts = self.ours[number].rstrip("\r\n").split(self.mark)
        return parts[0], parts[-1]

    def _has_words(self, number: int) -> bool:
        """Return whether one of our lines can be known again by what stands around its secrets."""
        return bool("".join(self._around(number)).strip())

    def _is_place(self, number: int, there: int) -> bool:
        """Return whether one of their lines has the same words around something else."""
        first, last = self._around(number)
        line = self.theirs[there].rstrip("\r\n")
        fits = line.startswith(first) and line.endswith(last) and len(line) >= len(first) + len(last)
        return fits and self._has_words(number)

    def _places_of(self, number: int, blocks: Sequence[range]) -> list[range]:
        """Return the blocks of their lines in which one of our lines may stand."""
        return [there for there in blocks if any(self._is_place(number, line) for line in there)]

    def _hide_block(self, numbers: Sequence[int], there: range) -> None:
        """Hide a block of their lines: the values at the places of our lines, and every line that has no counterpart."""
        for line in there:
            if self.theirs[line].startswith(HIDDEN) or f": {OTHER_VALUE} ***" in self.theirs[line]:
                continue
            place = next((number for number in numbers if self._is_place(number, line)), None)
            if place is None:
                self._hide_line(line, HIDDEN)
            else:
                first, last = self._around(place)
                body = self.theirs[line].rstrip("\r\n")
                value = body[len(first) : len(body) - len(last)]
                if len(self.names[place]) == 1 and "*** " not in value:
                    self.values.add(value.strip())
                names = ", ".join(dict.fromkeys(self.names[place]))
                self._hide_line(line, f"{first}{mask_of(f'{names}: {OTHER_VALUE}')}{last}")

    def _hide_line(self, there: int, text: str) -> None:
        line = self.theirs[there]
        self.theirs[there] = text + line[len(line.rstrip("\r\n")) :]

    def _hide_values(self, blocks: Sequence[range]) -> None:
        """Hide values found at places of secrets wherever else they occur in lines that differ from ours."""
        masker = Masker((OTHER_VALUE, Secret(value)) for value in self.values if len(value) >= VALUE_MIN)
        for there in blocks:
            for line in there:
                self.theirs[line] = masker.mask(self.theirs[line])
