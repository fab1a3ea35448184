"""The lines of a view: bounded, filtered, and the same row under the same number however many fall off the front."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from devgate.model.query import LogLine
from devgate.tui.log_buffer import DEBUG, ERROR, INFO, WARNING, LogBuffer, cuts, level_of


def lines(*texts: str, stream: str = "out", start: int = 1) -> list[LogLine]:
    return [LogLine(start + number, 0.0, "web", 0, stream, text, 1) for number, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("2026-01-01 ERROR boom", ERROR),
        ('{"level":"error","msg":"x"}', ERROR),
        ("thread 'main' panicked at src/main.rs", ERROR),
        ("Traceback (most recent call last):", ERROR),
        ("WARN slow", WARNING),
        ("[warning] slow", WARNING),
        ("DEBUG sqlx", DEBUG),
        ("GET /errors 200", INFO),
        ("error_count=0", INFO),
        ("listening", INFO),
    ],
)
def test_level(text: str, level: int):
    assert level_of(text) == level


def test_an_indented_line_belongs_to_the_one_before():
    assert level_of("    at store.rs:118", ERROR) == ERROR


def test_holds_no_more_than_its_limit_and_keeps_counting():
    buffer = LogBuffer(3)
    buffer.extend(lines("a", "b"))
    buffer.extend(lines("c", "d", start=3))
    assert [line.text for line in buffer.shown] == ["b", "c", "d"]
    assert buffer.gone == buffer.first_row == 1
    assert buffer.locate(1) == (0, 0)
    assert buffer.locate(0) is None
    assert buffer.locate(4) is None
    buffer.extend(lines(*"efghij", start=5))
    assert [line.text for line in buffer.shown] == ["h", "i", "j"]


def test_a_filter_leaves_marks_and_counts_only_what_it_shows():
    buffer = LogBuffer(10)
    buffer.extend([*lines("GET /a", "POST /b"), *lines("run 2 started", stream="mark", start=3)])
    buffer.filter(re.compile("post", re.IGNORECASE), DEBUG)
    assert [line.text for line in buffer.shown] == ["POST /b", "run 2 started"]
    assert buffer.extend(lines("GET /c", "POST /d", start=4)) == 1
    buffer.filter(None, DEBUG)
    assert len(buffer.shown) == 5


def test_a_level_takes_the_trace_with_its_error():
    buffer = LogBuffer(10)
    buffer.filter(None, ERROR)
    buffer.extend(lines("INFO a", "ERROR b", "    at c.rs:1"))
    buffer.extend(lines("    at d.rs:2", "INFO e", start=4))
    assert [line.text for line in buffer.shown] == ["ERROR b", "    at c.rs:1", "    at d.rs:2"]


def test_a_level_counts_on_after_old_lines_have_left():
    buffer = LogBuffer(3)
    buffer.filter(None, WARNING)
    for number in range(10):
        buffer.extend(lines(f"WARN {number}", f"INFO {number}", start=2 * number + 1))
    assert [line.text for line in buffer.shown] == ["WARN 9"]
    assert buffer.gone == 9


@given(st.text(max_size=60), st.integers(1, 12))
def test_cuts_cover_the_text_and_fit(text: str, width: int):
    text = "".join(char for char in text if char.isprintable())
    marks = [*cuts(text, width), len(text)]
    parts = [text[first:last] for first, last in pairwise(marks)]
    assert "".join(parts) == text
    assert all(cell_len(part) <= max(width, 2) for part in parts)


@given(
    st.lists(st.text("ab漢\t \x1b[31m", max_size=30), min_size=1, max_size=12), st.integers(2, 9), st.integers(1, 12)
)
def test_wrapped_rows_lead_back_to_their_lines(texts: list[str], width: int, limit: int):
    buffer = LogBuffer(limit)
    buffer.wrap(width)
    for number, text in enumerate(texts):
        buffer.extend(lines(text, start=number + 1))
    seen: dict[int, int] = {}
    for row in range(buffer.first_row, buffer.first_row + buffer.rows):
        place = buffer.locate(row)
        assert place is not None
        index, part = place
        assert part == seen.get(index, 0)
        assert buffer.row_of(index) == row - part
        seen[index] = part + 1
    assert sorted(seen) == list(range(len(buffer.shown)))
    assert buffer.locate(buffer.first_row + buffer.rows) is None
