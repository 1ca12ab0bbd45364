"""Choice: which jet serves a dependency, by table and against a list of what is preferred."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tower_jet_engine.choice import Candidate, Choice, choose

STOPPED, RUNNING = 1, 2


def allowed():
    return True


def refused():
    return False


def ready(id, **more):
    return Candidate(id, RUNNING, **more)


def on_its_way(id, **more):
    return Candidate(id, 9, RUNNING, is_idle=False, **more)


def elsewhere(id, **more):
    return Candidate(id, STOPPED, **({"can_reach": True} | more))


def busy(id, **more):
    return Candidate(id, 9, STOPPED, is_idle=False, **more)


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        ([], Choice("create")),
        ([ready(1)], Choice("ready", 1)),
        ([ready(1, is_linked=True)], Choice("linked", 1)),
        ([on_its_way(1), ready(2)], Choice("ready", 2)),
        ([elsewhere(1), on_its_way(2)], Choice("on_its_way", 2)),
        ([elsewhere(1)], Choice("drive", 1)),
        ([busy(1), elsewhere(2)], Choice("drive", 2)),
        ([elsewhere(1, can_reach=False)], Choice("create")),
        ([elsewhere(1, is_needed_here=True)], Choice("create")),
        ([Candidate(1, None, can_reach=True)], Choice("drive", 1)),
        ([busy(1)], Choice("create")),
    ],
)
def test_a_jet_is_reused_before_one_is_created(candidates, expected):
    assert choose(candidates, RUNNING, allowed) == expected


@pytest.mark.parametrize("linked", [on_its_way(9, is_linked=True), elsewhere(9, is_linked=True)])
def test_a_linked_jet_that_fits_wins_over_one_that_is_ready(linked):
    assert choose([ready(1), linked], RUNNING, allowed).jet_id == 9


@pytest.mark.parametrize(
    "linked",
    [
        busy(9, is_linked=True, asks_itself=True),
        elsewhere(9, is_linked=True, can_reach=False),
        elsewhere(9, is_linked=True, is_needed_here=True),
        on_its_way(9, is_linked=True, asks_itself=True),
    ],
)
def test_a_linked_jet_that_does_not_fit_gives_way(linked):
    assert choose([ready(1), linked], RUNNING, allowed) == Choice("ready", 1)


@pytest.mark.parametrize("may_create", [True, False])
def test_a_linked_jet_that_is_busy_is_waited_for_and_not_replaced(may_create):
    jets = [ready(1), elsewhere(2, can_reach=True), busy(9, is_linked=True)]
    assert choose(jets, RUNNING, lambda: may_create) == Choice("wait", 9)


@pytest.mark.parametrize("make", [ready, on_its_way, elsewhere])
def test_whether_one_may_be_created_is_not_asked_while_a_jet_fits(make):
    assert choose([make(1)], RUNNING, lambda: pytest.fail("asked")).jet_id == 1


def test_a_jet_in_the_needed_state_serves_several_dependants():
    assert choose([ready(1, is_needed_here=True)], RUNNING, allowed) == Choice("ready", 1)


@pytest.mark.parametrize("make", [ready, on_its_way, elsewhere, busy])
def test_of_equal_jets_the_lowest_id_is_chosen(make):
    assert choose([make(3), make(1), make(2)], RUNNING, refused).jet_id == 1


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        ([], Choice("refused")),
        ([busy(1)], Choice("wait", 1)),
        ([busy(1), busy(2, is_linked=True)], Choice("wait", 2)),
        ([busy(1, asks_itself=True)], Choice("refused")),
        ([busy(1, asks_itself=True), busy(2)], Choice("wait", 2)),
        ([elsewhere(1, can_reach=False)], Choice("refused")),
        ([elsewhere(1, is_needed_here=True)], Choice("refused")),
        ([Candidate(1, RUNNING, STOPPED, is_idle=False)], Choice("wait", 1)),
    ],
)
def test_where_none_may_be_created_a_busy_jet_is_waited_for(candidates, expected):
    assert choose(candidates, RUNNING, refused) == expected


@given(
    candidates=st.lists(st.sampled_from([ready, on_its_way, elsewhere, busy]), max_size=4),
    create=st.booleans(),
)
def test_a_jet_that_is_busy_with_the_run_that_asks_is_never_chosen(candidates, create):
    jets = [make(id, asks_itself=True, is_linked=bool(id % 2)) for id, make in enumerate(candidates, 1)]
    assert choose(jets, RUNNING, lambda: create) == choose([], RUNNING, lambda: create)


# Against a list of what is preferred

some_state = st.none() | st.integers(1, 3)
some_candidates = st.lists(
    st.builds(
        Candidate,
        id=st.integers(1, 50),
        state=some_state,
        target=some_state,
        is_idle=st.booleans(),
        is_linked=st.booleans(),
        can_reach=st.booleans(),
        is_needed_here=st.booleans(),
        asks_itself=st.booleans(),
    ),
    max_size=5,
    unique_by=lambda jet: jet.id,
)


def expected_choice(candidates, needed, may_create):
    """Rank each jet for each kind: the lowest rank wins."""
    ranked = []
    for jet in candidates:
        away = jet.is_idle and jet.state != needed and jet.can_reach and not jet.is_needed_here
        kinds = {
            "ready": jet.is_idle and jet.state == needed,
            "on_its_way": not jet.is_idle and jet.target == needed,
            "drive": away,
        }
        for rank, (kind, holds) in enumerate(kinds.items()):
            if holds and not jet.asks_itself:
                shown = "linked" if jet.is_linked and kind == "ready" else kind
                ranked.append((rank if jet.is_linked else 10 + rank, jet.id, shown))
        if not jet.is_idle and not jet.asks_itself:
            ranked.append((5, jet.id, "wait") if jet.is_linked else (30, jet.id, "wait"))
    if may_create:
        ranked.append((20, 0, "create"))
    ranked.append((99, 0, "refused"))
    _rank, jet_id, kind = min(ranked)
    return Choice(kind, jet_id or None)


@given(some_candidates, st.integers(1, 3), st.booleans(), st.randoms())
def test_the_choice_is_the_first_of_all_in_the_order_of_preference(candidates, needed, may_create, random):
    expected = expected_choice(candidates, needed, may_create)
    assert choose(candidates, needed, lambda: may_create) == expected
    random.shuffle(candidates)
    assert choose(candidates, needed, lambda: may_create) == expected
