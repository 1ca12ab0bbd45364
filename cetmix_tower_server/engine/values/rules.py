"""The rules for a stored value after it was rendered: its variable's pattern checks it, its modifier changes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..bounded import pool
from ..bounded.pool import NotCheap
from ..errors import OutOfBudget, RenderingError, ValueInvalid
from . import modifiers, patterns


@dataclass(frozen=True)
class ValueRule:
    """The rule for one value.

    :param pattern: regular expression that the whole value must match, or ""
    :param pattern_what: what messages call the pattern
    :param checked: the text that is matched if it is not the rendered value
    :param invalid: message with ``%(text)s`` for a value that does not match
    :param modifier: Python of the variable's author, or ""
    :param refused: why the modifier must not run, or ""
    :param failed: message with ``%(error)s`` for a modifier that fails
    """

    pattern: str = ""
    pattern_what: str = "the validation pattern"
    checked: str | None = None
    invalid: str = "“%(text)s” does not match."
    modifier: str = ""
    refused: str = ""
    failed: str = "The modifier failed: %(error)s"


class ValueRules:
    """The rules of all values that a rendering may use. Called with each value.

    :param rules: {reference: rule}; values without a rule are not changed
    """

    def __init__(self, rules: Mapping[str, ValueRule]):
        self._rules = rules

    def __call__(self, reference: str, text: str) -> str | None:
        """Return the value to use, or None for unset.

        :raise RenderingError: the value does not match, or its modifier fails or takes too long
        """
        try:
            return self.if_cheap(reference, text)
        except NotCheap:
            rule = dict(vars(self._rules[reference]))
            return pool.run("value", rule, text, what=f"the value of variable “{reference}”")

    def if_cheap(self, reference: str, text: str) -> str | None:
        """Like a call, but raise :class:`NotCheap` instead of doing what may take long."""
        rule = self._rules.get(reference)
        if not rule or text is None:
            return text
        if not pool.is_child:
            checked = text if rule.checked is None else rule.checked
            if rule.modifier or (rule.pattern and not patterns.is_quick(rule.pattern, len(checked))):
                raise NotCheap()
        return _apply(rule, text)

    def to_plain(self) -> dict[str, dict[str, Any]]:
        """Return the rules as plain data, see :func:`from_plain`."""
        return {reference: dict(vars(rule)) for reference, rule in self._rules.items()}


def from_plain(rules: Mapping[str, Mapping[str, Any]]) -> ValueRules:
    """Return rules made of plain data."""
    return ValueRules({reference: ValueRule(**rule) for reference, rule in rules.items()})


def apply_plain(rule: Mapping[str, Any], text: str) -> str | None:
    """Apply a rule that is plain data to a text."""
    return _apply(ValueRule(**rule), text)


def _apply(rule: ValueRule, text: str) -> str | None:
    checked = text if rule.checked is None else rule.checked
    if rule.pattern and not patterns.fullmatch(rule.pattern, checked, rule.pattern_what):
        raise ValueInvalid(rule.invalid % {"text": checked})
    if not rule.modifier:
        return text
    if rule.refused:
        raise RenderingError(rule.failed % {"error": rule.refused})
    try:
        return modifiers.apply(rule.modifier, text)
    except (MemoryError, RecursionError):
        raise
    except OutOfBudget:
        raise
    except Exception as error:
        raise RenderingError(rule.failed % {"error": f"{type(error).__name__}: {error}"}) from None
