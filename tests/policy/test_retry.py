"""Which requests are tried again, and after how long."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.model.resilience import RetrySpec
from devgate.policy.retry import FLOOR, GROWTH_LIMIT, RETRY_AFTER_S, Budget, Failed, asked_s, pause_s, repeatable

REFUSED = Failed(reached=False, passing=True)
LOST = Failed(reached=True, passing=True)
WRONG = Failed(reached=True, passing=False)


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        (b"0", 0.0),
        (b"120", 120.0),
        (b"9" * 5000, 999_999_999.0),
        (b"Sun, 06 Nov 1994 08:49:39 GMT", 2.0),
        (b"Sunday, 06-Nov-94 08:49:39 GMT", 2.0),
        (b"Sun, 06 Nov 1994 08:49:00 GMT", 0.0),
        (b"soon", None),
        (b"-1", None),
        (b"1.5", None),
        (b"", None),
    ],
)
def test_what_a_service_asks_for_in_seconds_or_by_a_date(retry_after: bytes, seconds: float | None):
    assert asked_s(retry_after, wall=784_111_777.0) == seconds


@pytest.mark.parametrize(
    ("method", "keyed", "any_method", "repeats"),
    [
        ("GET", False, False, True),
        ("DELETE", False, False, True),
        ("POST", False, False, False),
        ("PATCH", False, False, False),
        ("POST", True, False, True),
        ("POST", False, True, True),
    ],
)
def test_what_may_reach_a_service_twice(method: str, keyed: bool, any_method: bool, repeats: bool):
    assert repeatable(method, keyed=keyed, spec=RetrySpec(any_method=any_method)) is repeats


@pytest.mark.parametrize(
    ("failed", "tries", "safe", "whole", "again"),
    [
        (LOST, 0, True, True, True),
        (LOST, 1, True, True, True),
        (LOST, 2, True, True, False),
        (LOST, 0, False, True, False),
        (REFUSED, 0, False, True, True),
        (REFUSED, 0, True, False, False),
        (WRONG, 0, True, True, False),
        (Failed(True, True, 1.0), 0, True, True, True),
        (Failed(True, True, RETRY_AFTER_S), 0, True, True, True),
        (Failed(True, True, RETRY_AFTER_S + 0.1), 0, True, True, False),
        (Failed(True, True, 30.0), 0, True, True, False),
    ],
)
def test_pause(failed: Failed, tries: int, safe: bool, whole: bool, again: bool):
    found = pause_s(RetrySpec(attempts=2), failed, tries, safe=safe, whole=whole, draw=0.5)
    assert (found is not None) is again


@given(st.integers(0, 9), st.floats(0, 1, exclude_max=True))
def test_the_pause_is_a_random_part_of_one_that_grows(tries: int, draw: float):
    spec = RetrySpec(attempts=10)
    found = pause_s(spec, LOST, tries, safe=True, whole=True, draw=draw)
    assert found == draw * min(spec.pause * 2**tries, spec.pause * GROWTH_LIMIT)


def test_what_the_service_asks_for_is_obeyed():
    assert pause_s(RetrySpec(), Failed(True, True, 1.5), 0, safe=True, whole=True, draw=0.0) == 1.5


def test_the_budget_is_a_fifth_and_never_less_than_three():
    budget = Budget()
    assert [budget.take(1) for _ in range(FLOOR + 1)] == [True] * 3 + [False]
    assert budget.take(100)
    assert budget.spent == 4
    budget.give_back()
    assert not budget.take(1)
    budget.give_back()
    assert budget.take(1)
    assert not budget.take(1)
    large = Budget()
    assert sum(itertools.takewhile(bool, (large.take(100) for _ in range(100)))) == 20
