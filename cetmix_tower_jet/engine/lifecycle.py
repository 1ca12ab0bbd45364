"""The lifecycle of a jet: which actions its template offers in a state, and the way from one state to another.

States are ids. ``None`` is the absence of a state: before the create action as a start, after the destroy action as a goal.
An action with neither a from state nor a to state leads nowhere and is part of no path.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

#: A state's id, or None for no state.
State = int | None


@dataclass(frozen=True)
class Action:
    """An action of a jet template.

    :param from_state: where it is available; None: it creates the jet
    :param transit_state: the state while it runs
    :param to_state: where it leads; None: it destroys the jet
    :param error_state: where a failure leads; None: back to the from state
    :param priority: lower comes first
    :param plan: id of its flight plan
    :param level: access level that it takes to trigger it: "1" (User), "2" (Manager) or "3" (Root)
    """

    id: int
    name: str
    from_state: State
    transit_state: State
    to_state: State
    error_state: State = None
    priority: int = 10
    plan: int | None = None
    level: str = "1"

    @property
    def order(self) -> tuple[int, int]:
        """The key that actions are sorted by."""
        return (self.priority, self.id)

    @property
    def creates(self) -> bool:
        """Whether it gives a jet its first state."""
        return self.from_state is None and self.to_state is not None

    @property
    def destroys(self) -> bool:
        """Whether it leaves a jet without a state."""
        return self.from_state is not None and self.to_state is None

    @property
    def leads_somewhere(self) -> bool:
        """Whether it has a from state or a to state."""
        return self.from_state is not None or self.to_state is not None


@dataclass(frozen=True)
class Gap:
    """Why there is no path: no action leads from any state in ``reached`` to any state in ``leading``.

    :param reached: states that a jet can get to from the start, the start included
    :param leading: states from which a jet can get to the goal, the goal included
    """

    start: State
    goal: State
    reached: frozenset[State]
    leading: frozenset[State]


@dataclass(frozen=True)
class Lifecycle:
    """The actions of a template. Indexes are computed once, when they are first needed.

    :param actions: in any order
    """

    actions: Collection[Action]

    def available(self, state: State) -> tuple[Action, ...]:
        """Return the actions that start in a state, by priority, then id."""
        return self._starting.get(state, ())

    def path(self, start: State, goal: State) -> tuple[Action, ...] | None:
        """Return the actions that lead from one state to another.

        The path has as few actions as possible. Of several such paths it is the one that comes first when their actions
        are compared one after the other by priority, then id. It never goes on from a destroyed jet to a new one.

        :param start: the present state; None: the jet has no state yet
        :param goal: the state to get to; None: destroyed
        :return: no actions if the jet is already there; None if there is no way
        """
        distances = self._distances_to(goal)
        if start not in distances:
            return None
        path: list[Action] = []
        state = start
        for left in reversed(range(distances[start])):
            path.append(
                next(step for step in self._steps(state, goal) if distances.get(step.to_state) == left)
            )
            state = path[-1].to_state
        return tuple(path)

    def reachable(self, start: State) -> frozenset[State]:
        """Return the states to which :meth:`path` finds a way from ``start``, ``start`` included."""
        found = {start}
        queue = deque([start])
        while queue:
            for action in self.available(queue.popleft()):
                if action.to_state not in found:
                    found.add(action.to_state)
                    if action.to_state is not None:
                        queue.append(action.to_state)
        return frozenset(found)

    def leading_to(self, goal: State) -> frozenset[State]:
        """Return the states from which :meth:`path` finds a way to ``goal``, ``goal`` included."""
        return frozenset(self._distances_to(goal))

    def gap(self, start: State, goal: State) -> Gap | None:
        """Return what is missing between two states; None if there is a path."""
        reached = self.reachable(start)
        if goal in reached:
            return None
        # A jet that is destroyed on the way, or that does not exist yet, is no place for the missing action.
        return Gap(start, goal, reached - {None} | {start}, self.leading_to(goal) - {None} | {goal})

    @cached_property
    def _starting(self) -> Mapping[State, tuple[Action, ...]]:
        """The actions by their from state, each group in order."""
        return _grouped((action.from_state, action) for action in self._sorted)

    @cached_property
    def _ending(self) -> Mapping[State, tuple[Action, ...]]:
        """The actions by their to state, each group in order."""
        return _grouped((action.to_state, action) for action in self._sorted)

    @cached_property
    def _sorted(self) -> list[Action]:
        return sorted(self.actions, key=lambda action: action.order)

    def _steps(self, state: State, goal: State) -> Iterator[Action]:
        """Return the actions that a path may take: it destroys the jet only if that is the goal."""
        return (action for action in self.available(state) if action.to_state is not None or goal is None)

    def _distances_to(self, goal: State) -> dict[State, int]:
        """Return how many actions it takes to get to the goal from each state that leads there."""
        distances: dict[State, int] = {goal: 0}
        queue = deque([goal])
        while queue:
            state = queue.popleft()
            for action in self._ending.get(state, ()):
                if action.from_state not in distances:
                    distances[action.from_state] = distances[state] + 1
                    if action.from_state is not None:
                        queue.append(action.from_state)
        return distances


def _grouped(pairs: Iterable[tuple[State, Action]]) -> dict[State, tuple[Action, ...]]:
    groups: defaultdict[State, list[Action]] = defaultdict(list)
    for state, action in pairs:
        groups[state].append(action)
    return {state: tuple(group) for state, group in groups.items()}
