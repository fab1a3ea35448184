"""Taking turns."""

from hypothesis import given
from hypothesis import strategies as st

from devgate.policy.balance import RoundRobin


@given(st.integers(1, 5), st.integers(1, 20))
def test_everybody_gets_the_same(count: int, rounds: int):
    turns = RoundRobin()
    picked = [turns.pick(range(count)) for _ in range(count * rounds)]
    assert {picked.count(one) for one in range(count)} == {rounds}


@given(st.integers(1, 5), st.sets(st.integers(0, 4)))
def test_who_is_avoided_is_picked_only_where_there_is_nobody_else(count: int, avoid: set[int]):
    turns = RoundRobin()
    good = set(range(count)) - avoid
    picked = {turns.pick(range(count), avoid) for _ in range(20)}
    assert picked == (good or set(range(count)))


def test_the_turn_survives_a_change_of_the_candidates():
    turns = RoundRobin()
    turns.pick("abc")
    assert turns.pick("a") == "a"
    assert turns.pick("bc") in "bc"
