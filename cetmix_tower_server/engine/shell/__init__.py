"""Reading shell code: where words, quotes and commands begin and end, without running it."""

from .quoting import quote
from .split import Part, check, plain_words, split_commands
