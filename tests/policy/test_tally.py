"""What breakers count, against models that keep every call."""

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devgate.model.service import BreakerSpec
from devgate.policy.tally import SLICES, Consecutive, Rate, Tally, tally_of

WINDOW_S, LEAST, RATIO = 10, 4, 0.5

Calls = Sequence[tuple[float, bool]]
"""Seconds since the call before, and whether it was good."""

calls = st.lists(
    st.tuples(st.sampled_from([0.0, 0.25, 1.0, 1.5, 3.0, 9.0, 10.0, 11.0, 250.0]), st.booleans()), max_size=60
)


def rate() -> Rate:
    tally = tally_of(spec(mode="rate", window=f"{WINDOW_S}s", min_calls=LEAST, ratio=RATIO))
    assert isinstance(tally, Rate)
    return tally


def spec(**fields: object) -> BreakerSpec:
    return BreakerSpec.model_validate(fields)


def tell(tally: Tally, now: float, *, good: bool) -> bool:
    if good:
        tally.succeed(now)
        return False
    return tally.fail(now)


@given(calls)
@example([(9.75, False), (0.25, False), (9.75, False), (0.25, False)])
def test_a_rate_is_that_of_all_calls_of_the_parts_that_the_window_touches(history: Calls):
    tally, now, kept = rate(), 0.0, list[tuple[Fraction, bool]]()
    part_s = Fraction(WINDOW_S, SLICES)
    for pause, good in history:
        now += pause
        at = Fraction(now)
        kept.append((at, good))
        began = (at // part_s - (SLICES - 1)) * part_s
        told = [one for when, one in kept if when >= began]
        full = not good and len(told) >= LEAST and told.count(False) >= RATIO * len(told)
        assert tell(tally, now, good=good) is full
        assert tally.failures(now) == told.count(False)
        assert tally.words(now) == f"{told.count(False)} of {len(told)} failed in the last {WINDOW_S} s"


@given(calls, st.floats(0, 30))
def test_a_rate_forgets_all_beyond_the_window_and_nothing_of_its_later_nine_tenths(history: Calls, later: float):
    tally, now, failed = rate(), 0.0, list[float]()
    for pause, good in history:
        now += pause
        tell(tally, now, good=good)
        failed += [] if good else [now]
    now += later
    within = sum(now - at <= WINDOW_S for at in failed)
    surely = sum(now - at < WINDOW_S * (SLICES - 1) / SLICES for at in failed)
    assert surely <= tally.failures(now) <= within


def test_few_calls_are_no_rate():
    tally = rate()
    assert [tally.fail(1.0) for _ in range(4)] == [False, False, False, True]


def test_one_good_answer_does_not_open():
    tally = rate()
    for _ in range(3):
        tally.fail(1.0)
    tally.succeed(1.0)
    assert tally.fail(1.0)


def test_a_rate_forgets_when_told_so():
    tally = rate()
    for _ in range(3):
        tally.fail(1.0)
    tally.forget()
    assert tally.words(1.0) == "0 of 0 failed in the last 10 s"
    assert not tally.fail(1.0)


@given(st.lists(st.tuples(st.floats(0, 5), st.booleans()), max_size=40))
def test_a_row_is_that_of_the_last_failures_less_one_for_each_pause(history: Calls):
    tally, now, failed = Consecutive(spec(failures=3, decay="2s")), 0.0, list[float]()
    for pause, good in history:
        now += pause
        forgotten = int((now - failed[-1]) / 2) if failed else 0
        failed = [] if good else [*failed[forgotten:], now]
        assert tell(tally, now, good=good) is (not good and len(failed) >= 3)
        assert tally.failures(now) == len(failed)
        assert tally.failures(now + 2) == max(0, len(failed) - int((now + 2 - now) / 2))


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 failures in a row"), (1, "1 failure in a row"), (2, "2 failures in a row")]
)
def test_a_row_in_words(count: int, words: str):
    tally = Consecutive(spec())
    for _ in range(count):
        tally.fail(0.0)
    assert tally.words(0.0) == words
