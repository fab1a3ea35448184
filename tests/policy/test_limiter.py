"""Sliding windows: nothing is let through that does not fit, and nothing is refused that does."""

import math
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.policy import limiter as module
from devgate.policy.limiter import KEYS, Limiter, Rule, give_back, judge

TWO_A_MINUTE = Rule("two", 2, 60.0)
FIVE_AN_HOUR = Rule("five", 5, 3600.0)


def test_counts_down_and_opens_again_when_the_oldest_has_left() -> None:
    claims = [(Limiter(TWO_A_MINUTE), "x")]
    assert [judge(claims, now).tightest.remaining for now in (100.0, 110.0)] == [1, 0]
    refused = judge(claims, 130.0)
    assert [one.rule.name for one in refused.violated] == ["two"]
    assert refused.retry_after_s == 30.0
    assert not judge(claims, 160.0).violated
    assert judge(claims, 160.0).retry_after_s == 10.0


def test_a_refused_request_is_not_counted() -> None:
    limiter = Limiter(TWO_A_MINUTE)
    claims = [(limiter, "x")]
    for now in (100.0, 101.0, *(110.0 + step for step in range(40))):
        judge(claims, now)
    assert limiter.refused == 40
    assert not judge(claims, 160.0).violated


def test_all_rules_count_or_none() -> None:
    minute, hour = Limiter(TWO_A_MINUTE), Limiter(FIVE_AN_HOUR)
    claims = [(hour, ""), (minute, "x")]
    for _ in range(4):
        verdict = judge(claims, 100.0)
    assert [one.rule.name for one in verdict.violated] == ["two"]
    assert [one.remaining for one in verdict.standings] == [3, 0]
    assert verdict.tightest.rule is TWO_A_MINUTE


def test_each_key_counts_for_itself() -> None:
    limiter = Limiter(TWO_A_MINUTE)
    for _ in range(3):
        judge([(limiter, "x")], 100.0)
    assert judge([(limiter, "y")], 100.0).tightest.remaining == 1


def test_what_a_later_phase_refuses_is_given_back() -> None:
    claims = [(Limiter(TWO_A_MINUTE), "x")]
    for _ in range(5):
        assert not judge(claims, 100.0).violated
        give_back(claims)
    assert judge(claims, 100.0).tightest.remaining == 1


def test_the_least_recent_key_is_forgotten() -> None:
    limiter = Limiter(TWO_A_MINUTE)
    judge([(limiter, "first")], 100.0)
    judge([(limiter, "kept")], 100.0)
    for number in range(KEYS - 1):
        judge([(limiter, f"{number}")], 100.0)
        judge([(limiter, "kept")], 100.0)
    assert judge([(limiter, "first")], 100.0).tightest.remaining == 1
    assert judge([(limiter, "kept")], 100.0).violated


@given(st.lists(st.floats(0.0, 30.0), max_size=60), st.integers(1, 5))
def test_no_window_ever_holds_more_than_the_limit(gaps: list[float], limit: int) -> None:
    claims = [(Limiter(Rule("r", limit, 60.0)), "x")]
    now, passed = 1000.0, []
    for gap in gaps:
        now += gap
        verdict = judge(claims, now)
        recent = [at for at in passed if at > now - 60.0]
        assert bool(verdict.violated) == (len(recent) >= limit)
        if verdict.violated:
            assert not judge(claims, now + verdict.retry_after_s + 1e-6).violated
            passed.append(now + verdict.retry_after_s + 1e-6)
            now = passed[-1]
        else:
            passed.append(now)


LARGE = 10
"""What counts as a large limit in these tests: two sums are kept for it."""


def room(passed: list[float], now: float) -> int:
    """How many more fit by the rule of the two sums: those of the span before weigh what the window still covers of it."""
    span = int(now / 60.0)
    this, before = (sum(int(at / 60.0) == one for at in passed) for one in (span, span - 1))
    return math.floor(LARGE - this - before * (1 - (now / 60.0 - span)))


@pytest.fixture(scope="module")
def two_sums() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "EXACT", LARGE - 1)
        yield


@pytest.mark.usefixtures("two_sums")
@given(st.lists(st.floats(0.0, 4.0) | st.floats(0.0, 200.0), max_size=80))
def test_a_large_limit_is_counted_in_two_sums(gaps: list[float]) -> None:
    claims = [(Limiter(Rule("r", LARGE, 60.0)), "x")]
    now, passed = 1000.0, []
    for gap in gaps:
        now += gap
        fits = room(passed, now) > 0
        verdict = judge(claims, now)
        assert bool(verdict.violated) is not fits
        if not fits:
            wait = verdict.retry_after_s
            assert room(passed, now + wait - 1e-3) <= 0, "it would have fitted earlier"
            now += wait + 1e-4
            verdict = judge(claims, now)
            assert not verdict.violated, "it does not fit when it was said to"
        passed.append(now)
        assert verdict.tightest.remaining == max(0, room(passed, now))
        assert 0 < verdict.standings[0].reset_s <= 120.0


@pytest.mark.usefixtures("two_sums")
def test_two_sums_begin_empty_and_end_empty() -> None:
    limiter = Limiter(Rule("r", LARGE, 60.0))
    window = limiter.window("x")
    assert (window.left(975.0), window.reset(975.0)) == (LARGE, 0.0)
    for _ in range(3):
        window.take(975.0)
    assert (window.left(975.0), window.reset(975.0)) == (LARGE - 3, 45.0)
    window.give_back()
    assert window.left(975.0) == LARGE - 2
    for _ in range(5):
        window.give_back()
    assert window.left(975.0) == LARGE
    window.take(975.0)
    assert window.left(1035.0) == LARGE - 1, "the span before, all but a quarter of it: rounded down"
    assert (window.left(1095.0), window.reset(1095.0)) == (LARGE, 0.0), "two spans later"


@pytest.mark.parametrize("limit", [1, LARGE - 1, LARGE])
@pytest.mark.usefixtures("two_sums")
def test_a_limit_is_reached_exactly(limit: int) -> None:
    claims = [(Limiter(Rule("r", limit, 60.0)), "x")]
    assert [judge(claims, 975.0).tightest.remaining for _ in range(limit + 1)] == [*reversed(range(limit)), 0]
    assert judge(claims, 975.0).violated
