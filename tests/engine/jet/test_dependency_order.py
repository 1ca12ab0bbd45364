"""Dependency order: cycles, what comes first and who is affected, by table and against slow searches."""

import time
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tower_jet_engine.dependency_order import DependencyCycle, find_cycle, install_order, needed_by

APP, DATABASE, PROXY, DOCKER = 1, 2, 3, 4
SHOP = {APP: [DATABASE, PROXY], DATABASE: [DOCKER], PROXY: [DOCKER]}
DEEP = {number: [number + 1] for number in range(10_000)}

some_id = st.sampled_from([1, 8, 16, 24, 32, 65])  # a set of them has no order to rely on
graphs = st.dictionaries(some_id, st.sets(some_id, max_size=3), max_size=6)
acyclic = graphs.map(
    lambda needs: {one: {other for other in others if other > one} for one, others in needs.items()}
)


def all_needed(needs, root, so_far=()):
    """Yield each way down from an id in a graph without cycles, or down to a repetition."""
    yield (*so_far, root)
    for other in needs.get(root, ()):
        if other not in (*so_far, root):
            yield from all_needed(needs, other, (*so_far, root))


# Cycles


@pytest.mark.parametrize(
    ("needs", "cycle"),
    [
        ({}, None),
        (SHOP, None),
        ({1: [1]}, (1, 1)),
        ({5: [3], 3: [1], 1: [5]}, (1, 5, 3, 1)),
        ({1: [2], 2: [3], 3: [2]}, (2, 3, 2)),
        ({1: [2, 3], 2: [4], 3: [4], 4: [5]}, None),
    ],
)
def test_a_cycle_is_a_closed_path_from_its_smallest_id(needs, cycle):
    assert find_cycle(needs) == cycle


def has_cycle(needs):
    """Try all sequences of ids for one that closes."""
    ids = list(needs)
    return any(
        all(after in needs[before] for before, after in zip(some, (*some[1:], some[0]), strict=True))
        for size in range(1, len(ids) + 1)
        for some in permutations(ids, size)
    )


@given(graphs, st.randoms())
def test_a_cycle_is_found_exactly_where_there_is_one(needs, random):
    cycle = find_cycle(needs)
    assert (cycle is not None) == has_cycle(needs)
    if cycle:
        assert cycle[0] == cycle[-1] == min(cycle)
        assert len(set(cycle)) == len(cycle) - 1
        assert all(after in needs[before] for before, after in zip(cycle, cycle[1:], strict=False))
    shuffled = [(one, random.sample(sorted(others), len(others))) for one, others in needs.items()]
    random.shuffle(shuffled)
    assert find_cycle(dict(shuffled)) == cycle


def test_of_several_cycles_always_the_same_one_is_named():
    assert find_cycle({1: [16, 8], 8: [1], 16: [1]}) == (1, 8, 1)
    assert find_cycle({16: [1], 8: [1], 1: [8, 16]}) == (1, 8, 1)


# What comes first


@pytest.mark.parametrize(
    ("needs", "roots", "order"),
    [
        ({}, [], ()),
        ({}, [7], (7,)),
        (SHOP, [APP], (DOCKER, DATABASE, PROXY, APP)),
        (SHOP, [PROXY], (DOCKER, PROXY)),
        (SHOP, [PROXY, APP, PROXY], (DOCKER, DATABASE, PROXY, APP)),
        ({1: [2, 3], 3: [2]}, [1], (2, 3, 1)),
        ({1: [9], 2: [8]}, [2, 1], (8, 9, 1, 2)),
    ],
)
def test_what_is_needed_is_installed_first(needs, roots, order):
    assert install_order(needs, roots) == order
    assert install_order(needs, iter(roots)) == order


@given(acyclic, st.sets(some_id))
def test_the_order_has_everything_that_is_needed_once_the_deepest_first(needs, roots):
    depths = {}
    for root in roots:
        for way in all_needed(needs, root):
            depths[way[-1]] = max(depths.get(way[-1], 0), len(way))
    assert list(install_order(needs, roots)) == sorted(depths, key=lambda one: (-depths[one], one))


@given(graphs, some_id)
def test_an_order_is_refused_exactly_if_there_is_a_cycle_below_the_root(needs, root):
    below = {way[-1] for way in all_needed(needs, root)}
    part = {one: others for one, others in needs.items() if one in below}
    if has_cycle(part):
        with pytest.raises(DependencyCycle) as refused:
            install_order(needs, [root])
        assert refused.value.cycle == find_cycle(part)
    else:
        assert set(install_order(needs, [root])) == below


def test_the_refusal_names_the_cycle():
    with pytest.raises(DependencyCycle, match="1 -> 2 -> 1"):
        install_order({1: [2], 2: [1]}, [1])


# Who is affected


@pytest.mark.parametrize(
    ("needs", "needed", "expected"),
    [
        (SHOP, DOCKER, {APP, DATABASE, PROXY}),
        (SHOP, PROXY, {APP}),
        (SHOP, APP, set()),
        (SHOP, 77, set()),
        ({1: [2], 2: [1]}, 1, {2}),
        ({1: [1]}, 1, set()),
    ],
)
def test_those_that_need_something_directly_or_through_others(needs, needed, expected):
    assert needed_by(needs, needed) == expected


@given(graphs, some_id)
def test_those_affected_are_those_with_a_way_down(needs, needed):
    expected = {root for root in needs if any(way[-1] == needed for way in all_needed(needs, root))} - {
        needed
    }
    assert needed_by(needs, needed) == expected


# Deep ones


def test_ten_thousand_levels_are_no_burden():
    started = time.perf_counter()
    assert find_cycle(DEEP) is None
    assert find_cycle({**DEEP, 10_000: [0]})[-3:] == (9_999, 10_000, 0)
    assert install_order(DEEP, [0]) == tuple(range(10_000, -1, -1))
    assert len(needed_by(DEEP, 10_000)) == 10_000
    assert time.perf_counter() - started < 2


def test_many_ways_to_the_same_id_are_no_burden():
    ladder = {number: [number + 1, number + 2] for number in range(5_000)}
    started = time.perf_counter()
    assert find_cycle(ladder) is None
    assert len(install_order(ladder, [0])) == 5_002
    assert time.perf_counter() - started < 2
