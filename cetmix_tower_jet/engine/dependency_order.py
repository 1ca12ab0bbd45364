"""The order in which things need one another: cycles, what to install first, who is affected.

Every function takes ``needs``: for each id the ids that it needs. Ids that are only needed may be left out as keys.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

Needs = Mapping[int, Collection[int]]


class DependencyCycle(ValueError):
    """Things need one another in a circle.

    :param cycle: a closed path, as :func:`find_cycle` returns it
    """

    def __init__(self, cycle: tuple[int, ...]):
        super().__init__(f"These ids need one another in a circle: {' -> '.join(map(str, cycle))}.")
        self.cycle = cycle


def find_cycle(needs: Needs) -> tuple[int, ...] | None:
    """Return a cycle as a closed path: ``(1, 5, 3, 1)`` if 1 needs 5, 5 needs 3 and 3 needs 1.

    It begins with its smallest id and is the same for the same ``needs`` in any order.

    :return: None if there is no cycle
    """
    raise NotImplementedError


def install_order(needs: Needs, roots: Iterable[int]) -> tuple[int, ...]:
    """Return the roots and everything that they need, each once, the deepest first.

    How deep something is, is the length of the longest way to it from a root. Equally deep ones are sorted by id.

    :raise DependencyCycle: there is a cycle among them
    """
    raise NotImplementedError


def needed_by(needs: Needs, needed: int) -> frozenset[int]:
    """Return the ids that need ``needed``, directly or through others; never ``needed`` itself."""
    raise NotImplementedError
