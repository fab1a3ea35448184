"""Taking turns."""

from hypothesis import given
from hypothesis import strategies as st

from devgate.policy.balance import RoundRobin, Weighted


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


WEIGHTS = {"a": 5.0, "b": 1.0, "c": 1.0, "d": 0.0}


def test_weights_are_spread_evenly():
    turns: Weighted[str] = Weighted(WEIGHTS.__getitem__)
    assert "".join(turns.pick("abc") for _ in range(7)) == "aabacaa"


@given(st.lists(st.integers(0, 20), min_size=1, max_size=6).filter(any))
def test_shares_are_exact_after_each_full_round(weights: list[int]):
    turns: Weighted[int] = Weighted(lambda index: float(weights[index]))
    picked = [turns.pick(range(len(weights))) for _ in range(sum(weights) * 3)]
    assert [picked.count(index) for index in range(len(weights))] == [3 * weight for weight in weights]


def test_who_weighs_nothing_is_the_last_resort():
    turns: Weighted[str] = Weighted(WEIGHTS.__getitem__)
    assert {turns.pick("ad") for _ in range(9)} == {"a"}
    assert turns.pick("ad", avoid="a") == "d"
    assert turns.pick("d") == "d"


def test_who_is_avoided_is_made_up_for_by_the_others():
    turns: Weighted[str] = Weighted(WEIGHTS.__getitem__)
    assert {turns.pick("abc", avoid="a") for _ in range(4)} == {"b", "c"}
    assert turns.pick("abc", avoid="abc") in "abc"
    later = [turns.pick("abc") for _ in range(700)]
    assert abs(later.count("a") - 500) <= 5
