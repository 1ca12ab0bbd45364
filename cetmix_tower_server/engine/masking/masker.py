"""Replacing secrets in text and in streams, however the stream is cut.

A secret is replaced by ``*** name ***`` in every form that :mod:`.forms` lists. Forms that overlap become one
replacement, so that no remainder of a second secret stays visible. Forms shorter than four characters are only
replaced as whole words: a password "1" must not turn "10:15" into stars. (It is a word where no letter, digit or
underscore touches a letter, digit or underscore of it.)

The text is searched in up to three views (:mod:`.views`): as it is, as a terminal shows it, and without what stands
between the lines of base64 or the bytes of a dump. What is found is replaced where it stands in the text; colours that began or ended
inside of it are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ..secret import Secret, mask_of
from .forms import encoded_forms, secret_forms
from .search import KEY_LENGTH, Finder
from .views import View, compact, visible

HELD_MORE = 1024  # characters that may be held back in addition to four times the longest form
# Characters that the end of a line must have to be taken for encoded when little of a secret is seen
LIKE_BASE64 = 16
_STYLE = re.compile(r"\x1b\[[0-9:;]*m")
_LAST_WORD = re.compile(r"[^\s\\]*\Z")


class Masker:
    """Masks the secrets of one run.

    :param secrets: {name: secret}, or (name, secret) pairs where a name may have two values; of two secrets with the same
        value the first name is shown
    """

    def __init__(self, secrets: Mapping[str, Secret] | Iterable[tuple[str, Secret]]):
        pairs = secrets.items() if isinstance(secrets, Mapping) else secrets
        self.secrets__ = tuple(pairs)
        names: dict[str, str] = {}
        encoded: dict[str, str] = {}
        for name, secret in self.secrets__:
            value = secret.reveal()
            for form in encoded_forms(value):
                encoded.setdefault(form, name)
            for form in secret_forms(value):
                if form not in encoded:
                    names.setdefault(form, name)
        self._plain = Finder(names)
        self._encoded = Finder(encoded)
        self._held_most = 4 * max(self._plain.longest, self._encoded.longest) + HELD_MORE

    def __repr__(self) -> str:
        return f"<Masker of {len({name for name, _secret in self.secrets__})} secrets>"

    def mask(self, text: str) -> str:
        """Return the text with every secret replaced."""
        if not self.occurrences(text, ""):
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

        :param before: visible character before the text, or ""
        """
        found = self._plain.occurrences(text, before)
        found += self._encoded_occurrences(text)
        view = visible(text)
        if view:
            shown = self._plain.occurrences(view.text, before) + self._encoded_occurrences(view.text)
            found += _moved(shown, view)
        found.sort(key=lambda occurrence: (occurrence[0], -occurrence[1]))
        return found

    def _encoded_occurrences(self, text: str) -> list[tuple[int, int, str]]:
        if not self._encoded.longest:
            return []
        packed, pattern = compact(text)
        found = self._encoded.occurrences(packed, "")
        return _moved(found, View(pattern, text)) if found else found

    def open_start(self, text: str) -> int:
        """Return where the last part of the text begins that may become a secret when more text arrives."""
        earliest = max(0, len(text) - self._held_most)
        tail = text[earliest:]
        start = min(self._plain.open_start(text) - earliest, self._encoded_open_start(tail))
        view = visible(tail)
        if view:
            shown = min(self._plain.open_start(view.text), self._encoded_open_start(view.text))
            if shown < len(view.text):
                start = min(start, view.place(shown))
        return earliest + max(0, start)

    def _encoded_open_start(self, text: str) -> int:
        """Return where an encoded secret may have begun that goes on behind the text, its length when none has.

        The few characters at the end of a line that any secret may begin with only count where the line looks encoded: the
        last line of what a command says must not wait for its next one.
        """
        if not self._encoded.longest:
            return len(text)
        packed, pattern = compact(text)
        start = self._encoded.open_start(packed)
        if start >= len(packed):
            return len(text)
        ended = text.rstrip(" \t\r\n")
        if len(packed) - start < KEY_LENGTH and len(ended) < len(text):
            word = _LAST_WORD.search(ended)[0]
            line = ended[ended.rfind("\n") + 1 :].strip()
            if len(word) < LIKE_BASE64 and word != line:
                return len(text)
        return View(pattern, text).place(start)


def _moved(found: list[tuple[int, int, str]], view: View) -> list[tuple[int, int, str]]:
    """Return what was found in a view with its places in the original."""
    return [(*view.span(start, end), name) for start, end, name in found]


class MaskStream:
    """Masks one stream. What may be the start of a secret is held back until more text decides."""

    def __init__(self, masker: Masker):
        self._masker = masker
        self._held = ""
        self._before = ""  # last visible character that was let out
        self._covered = 0  # characters of _held that belong to a replacement that was let out

    def feed(self, text: str) -> str:
        """Return the masked text that is certain so far."""
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
                # a colour that begins or ends inside goes on, or ends, behind
                pieces += (text[position:start], mask_of(name), *_STYLE.findall(text, start, stop))
            position = max(position, stop)
        if position < end:
            pieces.append(text[position:end])
        self._before = _last_visible(text[:end]) or self._before
        self._held = text[end:]
        self._covered = max(0, position - end)
        return "".join(pieces)


def _last_visible(text: str) -> str:
    """Return the last character that a terminal shows of a text, or ""."""
    view = visible(text[-512:])
    return view.text[-1:] if view else text[-1:]
