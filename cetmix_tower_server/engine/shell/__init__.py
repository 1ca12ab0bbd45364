"""Reads shell code (words, quotes, commands) and writes values into it. Never runs it."""

from .quoting import quote
from .split import Part, check, plain_words, split_commands
