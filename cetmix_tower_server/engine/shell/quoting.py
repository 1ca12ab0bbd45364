"""Writing any text so that a POSIX shell reads it back as data, for each kind of place in the code."""

from __future__ import annotations

import re
import shlex

_SPECIAL_IN_DOUBLE = re.compile(r'[\\"$`]')
_SPECIAL_IN_HEREDOC = re.compile(r"[\\$`]")
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
