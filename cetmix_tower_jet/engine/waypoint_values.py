"""The variable values that a waypoint saves: as a document, which rows make a jet equal to them, and comparing two sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

ProblemKind = Literal["variable", "option"]


@dataclass(frozen=True)
class SavedValue:
    """One value of a jet, with everything that restoring it needs.

    Ids and references are kept both: an id survives renaming, a reference survives an export and import.

    :param variable_id: the variable; 0 where only its reference is known
    :param variable: reference of the variable
    :param option_id: the chosen option; None without one
    :param option: reference of the option; "" without one
    :param text: the raw text, templates unrendered; None for a row without text, which is not the same as ""
    :param level: access level of the row
    """

    variable_id: int
    variable: str
    option_id: int | None = None
    option: str = ""
    text: str | None = None
    level: str = "1"
    sequence: int = 10
    required: bool = False
    active: bool = True

    @property
    def has_effect(self) -> bool:
        """Whether the row stands for a text: it is neither archived nor required and still empty."""
        return self.active and bool(self.text or not self.required)

    def document(self) -> dict[str, Any]:
        """Return the value as a dictionary that JSON can store."""
        return asdict(self)

    @classmethod
    def of_document(cls, document: object) -> SavedValue:
        """Read what ``document`` returned, also in an earlier version: missing keys take their defaults, others are ignored.

        :raise ValueError: not a dictionary, names no variable, or a key has a value of another type
        """
        if not isinstance(document, Mapping):
            raise ValueError(f"A saved value must be a dictionary, not {type(document).__name__}.")
        known = {key: document[key] for key in _TYPES if key in document}
        for key, value in known.items():
            if type(value) not in _TYPES[key]:  # exact, because True is an int
                raise ValueError(f'A saved value has "{key}" of the wrong type: {type(value).__name__}.')
        value = cls(**{"variable_id": 0, "variable": ""} | known)
        if not (value.variable_id or value.variable):
            raise ValueError("A saved value names no variable.")
        return value

    def _contents(self) -> tuple[object, ...]:
        """Return what a row stores beside its variable. References are not part of it: they belong to variable and option."""
        return self.option_id, self.text, self.level, self.sequence, self.required, self.active


_TYPES: dict[str, tuple[type, ...]] = {
    "variable_id": (int,),
    "variable": (str,),
    "option_id": (int, type(None)),
    "option": (str,),
    "text": (str, type(None)),
    "level": (str,),
    "sequence": (int,),
    "required": (bool,),
    "active": (bool,),
}


# ------------------------------------------------------------------ restoring


@dataclass(frozen=True)
class Changes:
    """What makes the rows of a jet equal to saved values. Variables whose row is already equal are only counted.

    :param create: values without a row
    :param write: what to write to rows, by row id
    :param remove: ids of the rows of other variables
    :param unchanged: number of rows that stay as they are
    """

    create: tuple[SavedValue, ...] = ()
    write: Mapping[int, SavedValue] = field(default_factory=dict)
    remove: tuple[int, ...] = ()
    unchanged: int = 0


def find_changes(present: Mapping[int, SavedValue], wanted: Iterable[SavedValue]) -> Changes:
    """Compare the rows of a jet with the values that it is to have. A row is identified by its variable.

    References and names are not compared: a renamed variable or option changes no row.

    :param present: the rows of the jet by row id, without those that restoring leaves alone
    :param wanted: the values to restore, with the present ids of variables and options, see ``resolve``
    :raise ValueError: two wanted values have the same variable
    """
    missing = _by_variable(wanted)
    write: dict[int, SavedValue] = {}
    remove: list[int] = []
    unchanged = 0
    for row_id, row in sorted(present.items()):
        value = missing.pop(row.variable_id, None)
        if value is None:
            remove.append(row_id)
        elif value._contents() == row._contents():
            unchanged += 1
        else:
            write[row_id] = value
    return Changes(tuple(missing.values()), write, tuple(remove), unchanged)


def _by_variable(values: Iterable[SavedValue]) -> dict[int, SavedValue]:
    found: dict[int, SavedValue] = {}
    for value in values:
        if value.variable_id in found:
            raise ValueError(f'Variable "{value.variable}" has two values.')
        found[value.variable_id] = value
    return found


@dataclass(frozen=True)
class VariableFacts:
    """A variable as it is now.

    :param is_options: its values are options
    :param options: reference and text of each option, by its id
    :param level: access level; values of the variable cannot have a lower one. "": no limit
    """

    id: int
    reference: str
    is_options: bool = False
    options: Mapping[int, tuple[str, str | None]] = field(default_factory=dict)
    level: str = ""


@dataclass(frozen=True)
class Problem:
    """Why a saved value cannot be restored exactly.

    :param variable: reference of the variable, as saved
    :param kind: ``variable``: it no longer exists; ``option``: the variable no longer has the option, or its text has changed
    :param text: the saved text; "" where there is none
    :param level: lowest access level that may be told
    """

    variable: str
    kind: ProblemKind
    text: str
    level: str = "1"


def resolve(
    saved: Iterable[SavedValue], variables: Mapping[int, VariableFacts]
) -> tuple[tuple[SavedValue, ...], tuple[Problem, ...]]:
    """Find the variables and options of saved values: each by its id, else by its reference.

    A variable that is the one of another saved value by its id is not taken by its reference as well, so no two values end up at
    one variable.

    :param variables: all variables that may be meant, by id
    :return: the values that can be restored, with present ids, references and at least the level of their variable; and
        one problem for each of the others, in the order of ``saved``
    """
    saved = tuple(saved)
    by_id = {value.variable_id for value in saved} & variables.keys()
    by_reference = {facts.reference: facts for facts in variables.values() if facts.id not in by_id}
    found: list[SavedValue] = []
    problems: list[Problem] = []
    for value in saved:
        # pop: a variable is given to one value only
        facts = variables.get(value.variable_id) or by_reference.pop(value.variable, None)
        if facts is None:
            problems.append(Problem(value.variable, "variable", value.text or "", value.level))
        elif (option := _find_option(value, facts)) is None:
            level = max(value.level, facts.level)
            problems.append(Problem(value.variable, "option", value.text or "", level))
        else:
            found.append(_resolved(value, facts, option))
    return tuple(found), tuple(problems)


_NO_OPTION = (None, "")


def _find_option(value: SavedValue, facts: VariableFacts) -> tuple[int | None, str] | None:
    """Return id and reference of the option with the saved text; None if the value cannot be what it was."""
    if value.option_id is None and not value.option:
        return None if facts.is_options and value.text else _NO_OPTION
    if not facts.is_options:
        return None
    option_id = value.option_id
    if option_id is None or option_id not in facts.options:
        ids = (id for id, (reference, _text) in facts.options.items() if reference == value.option)
        option_id = next(ids, None)
    if option_id is None:
        return None
    reference, text = facts.options[option_id]
    # "" and None are equal here: the text of a row with an option is always that of the option.
    return (option_id, reference) if (text or "") == (value.text or "") else None


def _resolved(value: SavedValue, facts: VariableFacts, option: tuple[int | None, str]) -> SavedValue:
    option_id, reference = option
    return replace(
        value,
        variable_id=facts.id,
        variable=facts.reference,
        option_id=option_id,
        option=reference,
        level=max(value.level, facts.level),
    )


# ------------------------------------------------------------------ comparing


def compare(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, dict[str, Any]]:
    """Compare two dictionaries of values by reference, or of metadata. A nested value is compared as a whole.

    :return: ``added`` and ``removed`` with the value of each key, ``changed`` with ``[before, after]``; keys are sorted
    """
    both = sorted(before.keys() & after.keys())
    return {
        "added": {key: after[key] for key in sorted(after.keys() - before.keys())},
        "removed": {key: before[key] for key in sorted(before.keys() - after.keys())},
        "changed": {
            key: [before[key], after[key]] for key in both if not _are_equal(before[key], after[key])
        },
    }


def _are_equal(one: object, other: object) -> bool:
    """Compare as JSON does: ``true`` is not ``1``, at any depth."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_are_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_are_equal, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other
