"""Counters over a minute, with a clock that is a number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.gateway.stats import BOUNDS_MS, SPANS, Traffic, percentile


def test_an_empty_row():
    row = Traffic().row(1000.0)
    assert (row.total, row.per_minute, row.error_ratio, row.p50_ms, row.p95_ms, row.spark) == (
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
    row = traffic.row(1118.0)
    assert (row.total, row.per_minute, row.spark) == (60, 30, (1,) * SPANS)
    assert traffic.row(1178.0).per_minute == 0
    assert traffic.row(1178.0).total == 60


def test_the_newest_span_stands_last():
    traffic = Traffic()
    traffic.add(1000.0, 200, 0.01, failed=False)
    for _ in range(3):
        traffic.add(1006.0, 500, 0.01, failed=True)
    row = traffic.row(1008.0)
    assert row.spark[-5:] == (1, 0, 0, 3, 0)
    assert row.error_ratio == 0.75
    assert row.last_status == 500


def test_old_latencies_are_forgotten():
    traffic = Traffic()
    traffic.add(0.0, 200, 10.0, failed=False)
    traffic.add(59.0, 200, 0.001, failed=False)
    assert traffic.row(59.0).p95_ms > 1000  # type: ignore[operator]
    assert traffic.row(61.0).p95_ms == pytest.approx(1.0, rel=0.25)


def test_streams_have_no_latency():
    traffic = Traffic()
    traffic.add(0.0, 200, None, failed=False)
    row = traffic.row(0.0)
    assert (row.per_minute, row.p50_ms) == (1, None)


@pytest.mark.parametrize("latency_ms", [0.01, 0.1, 1, 7, 100, 5_000, 100_000])
def test_a_percentile_is_known_to_a_quarter(latency_ms: float):
    traffic = Traffic()
    for _ in range(100):
        traffic.add(0.0, 200, latency_ms / 1000, failed=False)
    p50 = traffic.row(0.0).p50_ms
    assert p50 is not None
    assert p50 == pytest.approx(max(latency_ms, 0.08), rel=0.25)


def test_percentiles_of_a_mixture():
    traffic = Traffic()
    for number in range(100):
        traffic.add(0.0, 200, 0.001 if number < 90 else 0.1, failed=False)
    row = traffic.row(0.0)
    assert row.p50_ms == pytest.approx(1, rel=0.25)
    assert row.p95_ms == pytest.approx(100, rel=0.25)


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
    row = traffic.row(now)
    recent = [failed for at, failed in events if int(at / 2) > int(now / 2) - SPANS]
    assert sum(row.spark) == len(recent)
    assert row.error_ratio == (sum(recent) / len(recent) if recent else 0)
    assert (row.p50_ms is None) == (not recent)
    if row.p50_ms is not None and row.p95_ms is not None:
        assert 0 < row.p50_ms <= row.p95_ms
