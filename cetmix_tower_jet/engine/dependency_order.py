"""The order in which things need one another: cycles, what to install first, who is affected.

Every function takes ``needs``: for each id the ids that it needs. Ids that are only needed may be left out as keys.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

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
    done: set[int] = set()
    for root in sorted(needs):
        # Depth first: the ids on the way from the root, each with those that it needs and that are still to be visited.
        way: dict[int, Iterator[int]] = {root: _needed(needs, root)}
        while way:
            unvisited = next(reversed(way.values()))
            following = next((one for one in unvisited if one not in done), None)
            if following is None:
                done.add(
                    way.popitem()[0]
                )  # the current one; ``del`` would leave a gap for ``reversed`` to walk over
            elif following in way:
                members = list(way)
                return _closed(members[members.index(following) :])
            else:
                way[following] = _needed(needs, following)
    return None


def install_order(needs: Needs, roots: Iterable[int]) -> tuple[int, ...]:
    """Return the roots and everything that they need, each once, the deepest first.

    How deep something is, is the length of the longest way to it from a root. Equally deep ones are sorted by id.

    :raise DependencyCycle: there is a cycle among them
    """
    depths = dict.fromkeys(roots, 0)
    members = _reachable(needs, depths)
    # How many of those that need an id have no place yet.
    waiting = Counter(one for member in members for one in _needed(needs, member))
    ready = [member for member in members if not waiting[member]]
    placed = 0
    while ready:
        member = ready.pop()
        placed += 1
        for one in _needed(needs, member):
            depths[one] = max(depths.get(one, 0), depths[member] + 1)
            waiting[one] -= 1
            if not waiting[one]:
                ready.append(one)
    if placed < len(members):
        cycle = find_cycle({member: needs.get(member, ()) for member in members})
        raise DependencyCycle(cycle or ())
    return tuple(sorted(members, key=lambda member: (-depths[member], member)))


def needed_by(needs: Needs, needed: int) -> frozenset[int]:
    """Return the ids that need ``needed``, directly or through others; never ``needed`` itself."""
    dependants: defaultdict[int, list[int]] = defaultdict(list)
    for one in needs:
        for other in _needed(needs, one):
            dependants[other].append(one)
    return frozenset(_reachable(dependants, [needed]) - {needed})


def _needed(needs: Needs, one: int) -> Iterator[int]:
    """Return what an id needs, each once, sorted."""
    return iter(sorted(set(needs.get(one, ()))))


def _reachable(needs: Needs, roots: Iterable[int]) -> set[int]:
    """Return the roots and everything they need."""
    found = set(roots)
    queue = list(found)
    while queue:
        new = set(needs.get(queue.pop(), ())) - found
        found |= new
        queue += new
    return found


def _closed(members: list[int]) -> tuple[int, ...]:
    """Return a cycle as a closed path from its smallest id."""
    start = members.index(min(members))
    return (*members[start:], *members[:start], members[start])
