"""Who asks for a transition, and what for."""

from __future__ import annotations

from dataclasses import dataclass, replace

PERSON, SCHEDULE, COMMAND, REQUEST, CLONE, TRANSFER, UPKEEP = (
    "person",
    "schedule",
    "command",
    "request",
    "clone",
    "transfer",
    "upkeep",
)

#: Where the author of a dependency or of an action's flight plan decided, actions of any level may be used.
LEVEL_OF_AUTHORS = "3"


@dataclass(frozen=True)
class Journey:
    """Where a chain of transitions leads.

    :param state_id: id of the state; None: the jet is destroyed
    :param first_transition_id: the first transition of the chain; 0 for the first one itself
    """

    state_id: int | None
    first_transition_id: int = 0


@dataclass(frozen=True)
class Asking:
    """What a transition is triggered for. Passed as an argument, never in the context.

    :param level: the highest access level of actions that may be used: "1" User to "3" Root
    :param source: person, schedule, command, request, clone or transfer; upkeep: nobody, Tower does it by itself
    :param command_log_id: run that waits for the transition
    :param journey: where it leads; None for a single action
    """

    level: str
    source: str = PERSON
    command_log_id: int = 0
    journey: Journey | None = None

    def towards(self, state_id: int | None, first_transition_id: int = 0) -> Asking:
        """Return the same for a journey to a state."""
        return replace(self, journey=Journey(state_id, first_transition_id))
