"""Sliding windows: nothing is let through that does not fit, and nothing is refused that does."""

import pytest
from hypothesis import given, settings
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


@settings(max_examples=50)
@given(st.lists(st.floats(0.0, 20.0), max_size=80))
def test_a_large_limit_is_counted_in_two_sums(gaps: list[float]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "EXACT", 1)
        claims = [(Limiter(Rule("r", 10, 60.0)), "x")]
        now, passed = 1000.0, []
        for gap in gaps:
            now += gap
            verdict = judge(claims, now)
            assert 0 <= verdict.tightest.remaining <= 10
            if verdict.violated:
                assert 0 < verdict.retry_after_s <= 120.0
                now += verdict.retry_after_s + 1e-6
                assert not judge(claims, now).violated
            passed.append(now)
        for at in passed:  # never more than the limit in a span and the one before it together
            assert sum(at - 60.0 < other <= at for other in passed) <= 20
