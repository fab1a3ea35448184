"""Counters over a minute, with a clock that is a number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.gateway.stats import BOUNDS_MS, SPANS, Traffic, percentile, row


def test_an_empty_row():
    seen = row([Traffic()], 1000.0)
    assert (seen.total, seen.per_minute, seen.error_ratio, seen.p50_ms, seen.p95_ms, seen.spark) == (
        0,
        0,
        0,
        None,
        None,
        (0,) * SPANS,
    )


def test_the_last_minute_and_everything():
    traffic = Traffic()
    for second in range(0, 120, 2):
        traffic.add(1000.0 + second, 200, 0.01, failed=False)
    seen = row([traffic], 1118.0)
    assert (seen.total, seen.per_minute, seen.spark) == (60, 30, (1,) * SPANS)
    assert row([traffic], 1178.0).per_minute == 0
    assert row([traffic], 1178.0).total == 60


def test_the_newest_span_stands_last():
    traffic = Traffic()
    traffic.add(1000.0, 200, 0.01, failed=False)
    for _ in range(3):
        traffic.add(1006.0, 500, 0.01, failed=True)
    seen = row([traffic], 1008.0)
    assert seen.spark[-5:] == (1, 0, 0, 3, 0)
    assert seen.error_ratio == 0.75
    assert seen.last_status == 500


def test_old_latencies_are_forgotten():
    traffic = Traffic()
    traffic.add(0.0, 200, 10.0, failed=False)
    traffic.add(59.0, 200, 0.001, failed=False)
    assert row([traffic], 59.0).p95_ms > 1000  # type: ignore[operator]
    assert row([traffic], 61.0).p95_ms == pytest.approx(1.0, rel=0.25)


def test_streams_have_no_latency():
    traffic = Traffic()
    traffic.add(0.0, 200, None, failed=False)
    seen = row([traffic], 0.0)
    assert (seen.per_minute, seen.p50_ms) == (1, None)


@pytest.mark.parametrize("latency_ms", [0.01, 0.1, 1, 7, 100, 5_000, 100_000])
def test_a_percentile_is_known_to_a_quarter(latency_ms: float):
    traffic = Traffic()
    for _ in range(100):
        traffic.add(0.0, 200, latency_ms / 1000, failed=False)
    p50 = row([traffic], 0.0).p50_ms
    assert p50 is not None
    assert p50 == pytest.approx(max(latency_ms, 0.08), rel=0.25)


def test_percentiles_of_a_mixture():
    traffic = Traffic()
    for number in range(100):
        traffic.add(0.0, 200, 0.001 if number < 90 else 0.1, failed=False)
    seen = row([traffic], 0.0)
    assert seen.p50_ms == pytest.approx(1, rel=0.25)
    assert seen.p95_ms == pytest.approx(100, rel=0.25)


def test_what_is_slower_than_every_bucket_counts_as_the_slowest():
    assert percentile([0] * len(BOUNDS_MS) + [1], 0.5) == BOUNDS_MS[-1]


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(0, 200), st.booleans()), max_size=60))
def test_any_history_adds_up(steps: list[tuple[float, float, bool]]):
    traffic = Traffic()
    now, events = 0.0, []
    for pause, latency, failed in steps:
        now += pause
        traffic.add(now, 500 if failed else 200, latency, failed=failed)
        events.append((now, failed))
    seen = row([traffic], now)
    recent = [failed for at, failed in events if int(at / 2) > int(now / 2) - SPANS]
    assert sum(seen.spark) == len(recent)
    assert seen.error_ratio == (sum(recent) / len(recent) if recent else 0)
    assert (seen.p50_ms is None) == (not recent)
    if seen.p50_ms is not None and seen.p95_ms is not None:
        assert 0 < seen.p50_ms <= seen.p95_ms


def test_the_sum_of_several():
    one, two = Traffic(), Traffic()
    one.add(10.0, 200, 0.001, failed=False)
    two.add(11.0, 503, 0.1, failed=True)
    one.in_flight, two.held = 2, 3
    seen = row([one, two], 12.0)
    assert (seen.total, seen.per_minute, seen.error_ratio, seen.last_status) == (2, 2, 0.5, 503)
    assert (seen.in_flight, seen.held, sum(seen.spark)) == (2, 3, 2)
    assert seen.p50_ms == pytest.approx(1, rel=0.25)
    assert seen.p95_ms == pytest.approx(100, rel=0.25)


def test_the_sum_of_none():
    assert row([], 12.0).total == 0
