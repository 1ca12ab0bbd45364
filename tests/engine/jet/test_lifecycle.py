"""Lifecycle: paths and what is missing, by table and against all simple paths."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tower_jet_engine.lifecycle import Action, Gap, Lifecycle

DRAFT, STOPPED, RUNNING, REMOVED, ERROR = 1, 2, 3, 4, 5


def action(id, from_state, to_state, priority=10, error_state=None):
    return Action(id, f"Action {id}", from_state, 90 + id, to_state, error_state, priority)


STANDARD = Lifecycle(
    [
        action(1, None, DRAFT),
        action(2, DRAFT, STOPPED),
        action(3, STOPPED, RUNNING, error_state=ERROR),
        action(4, RUNNING, STOPPED),
        action(5, RUNNING, RUNNING, priority=5),
        action(6, STOPPED, REMOVED),
        action(7, REMOVED, None),
    ]
)


def ids(actions):
    return None if actions is None else [one.id for one in actions]


# What is available


def test_actions_of_a_state_come_by_priority_then_id():
    actions = [action(3, DRAFT, RUNNING), action(2, DRAFT, STOPPED), action(4, DRAFT, DRAFT, priority=1)]
    assert ids(Lifecycle(actions).available(DRAFT)) == [4, 2, 3]


@pytest.mark.parametrize(
    ("state", "expected"), [(None, [1]), (DRAFT, [2]), (RUNNING, [5, 4]), (ERROR, []), (77, []), (91, [])]
)
def test_actions_are_available_in_their_from_state_only(state, expected):
    assert ids(STANDARD.available(state)) == expected


# Paths


@pytest.mark.parametrize(
    ("start", "goal", "expected"),
    [
        (None, DRAFT, [1]),
        (None, RUNNING, [1, 2, 3]),
        (DRAFT, RUNNING, [2, 3]),
        (RUNNING, None, [4, 6, 7]),
        (None, None, []),
        (RUNNING, RUNNING, []),
        (77, 77, []),
        (REMOVED, DRAFT, None),
        (RUNNING, DRAFT, None),
        (STOPPED, ERROR, None),
        (77, RUNNING, None),
        (RUNNING, 77, None),
    ],
)
def test_paths_of_the_standard_lifecycle(start, goal, expected):
    assert ids(STANDARD.path(start, goal)) == expected


def test_a_path_never_leads_through_the_destruction_of_the_jet():
    lifecycle = Lifecycle([action(1, DRAFT, None), action(2, None, RUNNING)])
    assert lifecycle.path(DRAFT, RUNNING) is None
    assert RUNNING not in lifecycle.reachable(DRAFT)
    assert DRAFT not in lifecycle.leading_to(RUNNING)


def test_a_destroy_action_of_high_priority_does_not_distract_a_path():
    lifecycle = Lifecycle(
        [
            action(1, DRAFT, None, 1),
            action(2, DRAFT, STOPPED),
            action(3, STOPPED, RUNNING),
            action(4, None, RUNNING),
        ]
    )
    assert ids(lifecycle.path(DRAFT, RUNNING)) == [2, 3]


def test_fewer_actions_win_over_priority():
    lifecycle = Lifecycle(
        [action(1, DRAFT, STOPPED, 1), action(2, STOPPED, RUNNING, 1), action(3, DRAFT, RUNNING, 99)]
    )
    assert ids(lifecycle.path(DRAFT, RUNNING)) == [3]


def test_of_equally_short_paths_the_first_action_decides_before_the_second():
    lifecycle = Lifecycle(
        [
            action(1, DRAFT, STOPPED, 5),
            action(2, STOPPED, RUNNING, 99),
            action(3, DRAFT, REMOVED, 6),
            action(4, REMOVED, RUNNING, 1),
        ]
    )
    assert ids(lifecycle.path(DRAFT, RUNNING)) == [1, 2]


def test_of_actions_with_the_same_priority_the_lower_id_wins():
    assert ids(Lifecycle([action(9, 1, 2), action(8, 1, 2)]).path(1, 2)) == [8]


def test_an_action_without_both_states_is_in_no_path_but_is_available():
    lifecycle = Lifecycle([action(1, None, None, 1), action(2, None, DRAFT)])
    assert ids(lifecycle.path(None, DRAFT)) == [2]
    assert lifecycle.path(DRAFT, None) is None
    assert lifecycle.reachable(None) == {None, DRAFT}
    assert lifecycle.leading_to(None) == {None}
    assert ids(lifecycle.available(None)) == [1, 2]


@pytest.mark.parametrize(
    ("from_state", "to_state", "creates", "destroys", "leads_somewhere"),
    [
        (None, DRAFT, True, False, True),
        (DRAFT, None, False, True, True),
        (DRAFT, STOPPED, False, False, True),
        (None, None, False, False, False),
    ],
)
def test_an_action_creates_or_destroys_by_the_state_that_it_lacks(
    from_state, to_state, creates, destroys, leads_somewhere
):
    one = action(1, from_state, to_state)
    assert (one.creates, one.destroys, one.leads_somewhere) == (creates, destroys, leads_somewhere)


# What is missing


def test_a_gap_names_what_is_reached_and_what_leads_to_the_goal():
    lifecycle = Lifecycle([action(1, None, DRAFT), action(2, STOPPED, RUNNING), action(3, DRAFT, DRAFT)])
    assert lifecycle.gap(None, RUNNING) == Gap(
        None, RUNNING, frozenset({None, DRAFT}), frozenset({STOPPED, RUNNING})
    )
    assert lifecycle.gap(RUNNING, None) == Gap(RUNNING, None, frozenset({RUNNING}), frozenset({None}))


def test_a_gap_between_two_states_leaves_out_no_state():
    lifecycle = Lifecycle([action(1, None, RUNNING), action(2, DRAFT, None)])
    assert lifecycle.gap(DRAFT, RUNNING) == Gap(DRAFT, RUNNING, frozenset({DRAFT}), frozenset({RUNNING}))


def test_there_is_no_gap_where_there_is_a_path():
    assert STANDARD.gap(None, RUNNING) is None
    assert STANDARD.gap(RUNNING, RUNNING) is None


# Against all simple paths

states = st.none() | st.integers(1, 5)
actions_lists = st.lists(st.tuples(states, states, st.integers(1, 3)), max_size=9).map(
    lambda rows: [action(number, *row) for number, row in enumerate(rows, 1)]
)


def all_paths(actions, state, goal, so_far=(), visited=()):
    """Yield each way from a state to a goal that visits no state twice."""
    for one in actions:
        if one.from_state != state or one in so_far or one.from_state is None and one.to_state is None:
            continue
        if one.to_state == goal:
            yield (*so_far, one)
        elif one.to_state is not None and one.to_state not in visited:
            yield from all_paths(actions, one.to_state, goal, (*so_far, one), (*visited, one.to_state))


@given(actions_lists, states, states)
def test_a_path_is_the_best_of_all_simple_paths(actions, start, goal):
    paths = [()] if start == goal else list(all_paths(actions, start, goal, (), (start,)))
    best = min(paths, key=lambda path: (len(path), [(one.priority, one.id) for one in path]), default=None)
    assert Lifecycle(actions).path(start, goal) == best


@given(actions_lists, states)
def test_what_is_reachable_and_what_leads_somewhere_is_what_has_a_path(actions, state):
    lifecycle = Lifecycle(actions)
    known = {None, state, 1, 2, 3, 4, 5}
    assert lifecycle.reachable(state) == {goal for goal in known if lifecycle.path(state, goal) is not None}
    assert lifecycle.leading_to(state) == {
        start for start in known if lifecycle.path(start, state) is not None
    }


@given(actions_lists, states, states)
def test_an_action_from_what_is_reached_to_what_leads_on_closes_a_gap(actions, start, goal):
    lifecycle = Lifecycle(actions)
    gap = lifecycle.gap(start, goal)
    assert (gap is None) == (lifecycle.path(start, goal) is not None)
    if gap:
        for reached in gap.reached:
            for leading in gap.leading:
                missing = action(99, reached, leading)
                assert Lifecycle([*actions, missing]).path(start, goal) is not None


def test_a_thousand_actions_are_no_burden():
    chain = [action(number, number or None, number + 1) for number in range(1000)]
    started = time.perf_counter()
    lifecycle = Lifecycle(chain)
    for _repeat in range(20):
        assert len(lifecycle.path(None, 1000)) == 1000
    assert time.perf_counter() - started < 2
