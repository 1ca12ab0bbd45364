"""Which jet serves a dependency."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["linked", "ready", "on_its_way", "drive", "create", "wait", "refused"]


@dataclass(frozen=True)
class Candidate:
    """A jet of the needed template that the person who needs it may read, or that is linked already.

    :param state: its present state; None: none
    :param target: where it is on its way to; only looked at if it is busy
    :param is_idle: nothing moves it
    :param is_linked: it already serves this dependency
    :param can_reach: a path leads from its present state to the needed one; only looked at if it is idle
    :param is_needed_here: another jet needs it in its present state
    :param asks_itself: it is busy with the very run that asks, so waiting for it would never end: it is never chosen
    """

    id: int
    state: int | None
    target: int | None = None
    is_idle: bool = True
    is_linked: bool = False
    can_reach: bool = False
    is_needed_here: bool = False
    asks_itself: bool = False


@dataclass(frozen=True)
class Choice:
    """What satisfies a dependency.

    :param kind: what there is to do:

        * ``linked``: nothing, the jet that is already linked is idle in the needed state
        * ``ready``: link the jet, it is idle in the needed state
        * ``on_its_way``: link the jet and wait for its move, which ends in the needed state
        * ``drive``: link the jet and bring it to the needed state
        * ``create``: create a jet
        * ``wait``: choose again when the jet is idle. A linked one is not replaced: another one would not hold what it holds
        * ``refused``: no jet can serve the dependency
    :param jet_id: the jet; None for ``create`` and ``refused``. With ``on_its_way`` and ``drive`` it may be linked already.
    """

    kind: Kind
    jet_id: int | None = None


def choose(candidates: Iterable[Candidate], needed_state: int, may_create: Callable[[], bool]) -> Choice:
    """Choose what serves a dependency.

    In this order: a linked jet that is in the needed state and idle, on its way there, or idle elsewhere, reachable
    and not needed in its present state by another jet; a linked jet that is busy with something else; any other jet, in the
    order of the linked ones; a new jet; a busy jet, whose end may make it usable. Of several equal ones the lowest id is
    chosen.

    :param may_create: returns whether template, server, limit and rights allow a new jet; called only if no jet fits
    """
    usable = sorted(
        (jet for jet in candidates if not jet.asks_itself), key=lambda jet: (not jet.is_linked, jet.id)
    )
    for is_linked in (True, False):
        for kind, fits in _WAYS:
            for jet in usable:
                if jet.is_linked == is_linked and fits(jet, needed_state):
                    return Choice("linked" if is_linked and kind == "ready" else kind, jet.id)
        busy = next((jet for jet in usable if jet.is_linked == is_linked and not jet.is_idle), None)
        if busy and is_linked:
            return Choice("wait", busy.id)
    if may_create():
        return Choice("create")
    return Choice("wait", busy.id) if busy else Choice("refused")


def _is_ready(jet: Candidate, needed_state: int) -> bool:
    return jet.is_idle and jet.state == needed_state


def _is_on_its_way(jet: Candidate, needed_state: int) -> bool:
    return not jet.is_idle and jet.target == needed_state


def _can_be_driven(jet: Candidate, needed_state: int) -> bool:
    return jet.is_idle and jet.can_reach and not jet.is_needed_here


_WAYS: tuple[tuple[Kind, Callable[[Candidate, int], bool]], ...] = (
    ("ready", _is_ready),
    ("on_its_way", _is_on_its_way),
    ("drive", _can_be_driven),
)
