"""Writing any text so that a POSIX shell reads it back as data, for each kind of place in the code."""

from __future__ import annotations

import re
import shlex

_SPECIAL_IN_DOUBLE = re.compile(r'[\\"$`]')
_SPECIAL_IN_HEREDOC = re.compile(r"[\\$`]")
_SPECIAL_IN_PRINTED = re.compile(r"[]\t\n !\"$&'()*,;<>?[\\^`{|}]")
_BEGINS_WORD = re.compile(r"^[#~]|(?<=[:=])~")
#: Characters that programs do not print as they are.
NOT_ASCII = re.compile(r"[^ -~]+")
CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_ESCAPES = {"\a": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r"}
_SPECIAL_BARE = re.compile(r"[^A-Za-z0-9_@%+=:,./\n-]")


def quote(value: str) -> str:
    """Return the value as one word."""
    return shlex.quote(value)


def single_content(value: str) -> str:
    """Return the value for the inside of '...'."""
    return value.replace("'", "'\\''")


def double_content(value: str) -> str:
    """Return the value for the inside of "..."."""
    return _SPECIAL_IN_DOUBLE.sub(r"\\\g<0>", value)


def heredoc_content(value: str) -> str:
    """Return the value for the body of a here-document whose delimiter is not quoted."""
    return _SPECIAL_IN_HEREDOC.sub(r"\\\g<0>", value)


def ansi_content(value: str) -> str:
    """Return the value for the inside of $'...', as octal bytes.

    Nothing of it can end a quote, also in a shell that does not know $'...' and reads it as '...'.
    """
    return "".join(f"\\{byte:03o}" for byte in value.encode("utf-8", "replace"))


def backslashed(value: str) -> str:
    """Return the value with a backslash before each special character, as shells print it."""
    return _SPECIAL_BARE.sub(r"\\\g<0>", value)


def printed_bare(value: str) -> str:
    """Return the value as bash's ``printf %q`` prints it: a few characters count at the beginning of a word only."""
    return _BEGINS_WORD.sub(r"\\\g<0>", _SPECIAL_IN_PRINTED.sub(r"\\\g<0>", value))


def printed_by_dash(value: str) -> str:
    """Return the value as dash prints it inside '...': quotes stand in a pair of double quotes, all that follow each other."""
    return re.sub("'+", lambda quotes: f"'\"{quotes[0]}\"'", value)


def printed_ansi_content(value: str, unprintable: re.Pattern = NOT_ASCII) -> str:
    """Return the value as bash prints it inside $'...'.

    :param unprintable: :data:`NOT_ASCII` where the locale is C, else :data:`CONTROL`
    """
    return "".join(_escaped(character, unprintable, "'\\") for character in value)


def printed_single_content(value: str, unprintable: re.Pattern = NOT_ASCII) -> str:
    """Return the value as GNU programs print it inside '...': what is not printable stands in $'...'."""

    def escape(run: re.Match) -> str:
        return f"'$'{''.join(_escaped(character, unprintable) for character in run[0])}''"

    return unprintable.sub(escape, single_content(value))


def _escaped(character: str, unprintable: re.Pattern, also: str = "") -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if unprintable.match(character):
        return ansi_content(character)
    return f"\\{character}" if character in also else character
