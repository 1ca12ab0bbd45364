"""The type that carries a secret, and what people see in its place."""

from __future__ import annotations


def mask_of(name: str) -> str:
    """Return what people see in place of a secret.

    :param name: its reference, or what else it is known by
    """
    return f"*** {name} ***"


class Secret:
    """A text that must not be shown: printing, formatting or pickling it never gives the value."""

    __slots__ = ("__value",)

    def __init__(self, value: str):
        self.__value = value

    def reveal(self) -> str:
        """Return the clear text. Every call site is a place to review."""
        return self.__value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.__value == other.reveal()

    def __hash__(self) -> int:
        return hash((Secret, self.__value))

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __reduce__(self):
        raise TypeError("A secret cannot be pickled or copied out of the process.")
