"""Numbers for narrow columns: what they say, and that they never outgrow their column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.tui import format as fmt

AMOUNT = st.floats(min_value=0, max_value=1e15, allow_nan=False)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (0.01, "<0.1"),
        (3.5, "3.5"),
        (12.4, "12"),
        (9999, "9999"),
        (12_345, "12.3k"),
        (999_900, "1.0M"),
        (2.5e8, "250M"),
    ],
)
def test_count(number: float, text: str):
    assert fmt.count(number) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0%"), (0.0001, "<.1%"), (0.004, "0.4%"), (0.12, "12%"), (0.996, "99%"), (1, "100%")]
)
def test_ratio_never_calls_nearly_all_all(share: float, text: str):
    assert fmt.ratio(share) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.42, "0.4ms"), (842, "842ms"), (1234, "1.2s"), (75_000, "75.0s"), (720_000, "720s")],
)
def test_milliseconds(value: float | None, text: str):
    assert fmt.milliseconds(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0s"),
        (42, "42s"),
        (272, "4m32s"),
        (2520, "42m"),
        (7500, "2h05m"),
        (50_400, "14h"),
        (273_600, "3d04h"),
        (1e7, "115d"),
    ],
)
def test_span(seconds: float, text: str):
    assert fmt.span(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(9.9, "9s"), (372, "6m"), (7200, "2h"), (90_000, "1d"), (1e9, "99d")])
def test_age(seconds: float, text: str):
    assert fmt.age(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"), [(None, "–"), (512, "512B"), (12_288, "12K"), (88_000_000, "84M"), (1_288_490_188, "1.2G")]
)
def test_size(number: int | None, text: str):
    assert fmt.size(number) == text


@given(AMOUNT)
def test_nothing_outgrows_its_column(value: float):
    assert len(fmt.count(value)) <= fmt.COUNT
    assert len(fmt.milliseconds(value)) <= fmt.MILLISECONDS
    assert len(fmt.span(value)) <= fmt.SPAN
    assert len(fmt.age(value)) <= 3
    assert len(fmt.size(int(value))) <= fmt.SIZE
    assert len(fmt.cpu(value)) <= fmt.RATIO
    assert len(fmt.ratio(value % 1)) <= fmt.RATIO


@pytest.mark.parametrize("at", [None, 0.0, -1e18, 1e300, float("inf"), float("nan")])
def test_a_clock_takes_whatever_a_peer_sends(at: float | None):
    assert len(fmt.clock(at)) <= fmt.CLOCK


@given(
    st.lists(st.integers(min_value=0, max_value=10**9), max_size=40).map(tuple), st.integers(min_value=0, max_value=40)
)
def test_a_sparkline_is_as_wide_as_asked_and_shows_every_request(values: tuple[int, ...], width: int):
    line = fmt.sparkline(values, width)
    assert len(line) == width
    if width and any(values):
        assert line.strip()


def test_a_sparkline_puts_the_newest_at_the_right():
    assert fmt.sparkline((0, 0, 4), 5) == "    █"
    assert fmt.sparkline((1, 1, 0, 2), 2) == "██"
    assert fmt.sparkline((), 3) == "   "
