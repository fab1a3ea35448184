import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.model.units import format_duration, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("300ms", 0.3), ("5s", 5), ("1.5s", 1.5), ("2m", 120), ("1h30m", 5400), ("1d", 86400), (" 5s ", 5), ("0s", 0)],
)
def test_durations_are_read_with_their_units(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", 5, "5 s", "s", "-5s", "5x", "5s!", None, True, [], "1h30"])
def test_anything_without_a_clear_unit_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"unit|duration"):
        parse_duration(text)


def test_a_bare_number_is_answered_with_both_spellings() -> None:
    with pytest.raises(ValueError, match="write 300s or 300ms"):
        parse_duration(300)


@given(st.integers(min_value=0, max_value=10**9))
def test_formatting_reads_back(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, abs=0.0006)


@pytest.mark.parametrize(("text", "size"), [("512B", 512), ("64KiB", 65536), ("10MB", 10_000_000), ("1.5 KiB", 1536)])
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["64", "64K", "", "KiB", "-1B", None])
def test_sizes_need_units(text: object) -> None:
    with pytest.raises(ValueError, match="not a size"):
        parse_size(text)
