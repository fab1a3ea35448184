"""Going from match to match and from error to error, and what is copied."""

import re

from textual.geometry import Offset
from textual.selection import Selection

from devgate.tui.log_ink import Layout
from devgate.tui.log_reader import LogReader
from tests.tui.test_log_buffer import lines

WIDE = Layout(80, merged=False, wrap=False, left=0)


def reader(*texts: str) -> LogReader:
    found = LogReader(100)
    found.buffer.extend(lines(*texts))
    return found


def test_matches_go_round():
    log = reader("one", "\x1b[31mtw\x1b[0mo", "three", "two")
    log.wanted = re.compile("two")
    assert log.to_match(-1, 4) == 3
    assert log.to_match(-1, 3) == 1
    assert log.to_match(-1, 1) == 3
    assert log.to_match(1, -1) == 1


def test_nothing_to_find():
    log = reader("one")
    assert log.to_match(1, -1) is None
    log.wanted = re.compile("two")
    assert log.to_match(1, -1) is None
    assert LogReader(5).to_error(1, -1) is None


def test_errors():
    log = reader("INFO a", "ERROR b", "  trace", "INFO c", "ERROR d")
    assert log.to_error(1, -1) == 1
    assert log.to_error(1, 1) == 4
    assert log.here == 4


def test_the_current_line_is_the_one_jumped_to_until_it_has_left():
    log = LogReader(2)
    log.buffer.extend(lines("ERROR a", "b"))
    log.to_error(1, -1)
    assert log.line(newest=False).text == "ERROR a"
    assert log.line(newest=True).text == "b"
    log.buffer.extend(lines("c", "d", start=3))
    assert log.line(newest=False).text == "d"
    assert LogReader(2).line(newest=True) is None


def test_a_selection_copies_text_without_colours():
    log = reader("\x1b[31mone\x1b[0m two", "three\tfour", "five")
    assert log.selected(Selection(Offset(4, 0), Offset(2, 2)), WIDE) == "two\nthree   four\nfi"
    assert log.selected(Selection(Offset(1, 0), Offset(3, 0)), WIDE) == "ne"
    assert log.selected(Selection(None, None), WIDE) == "one two\nthree   four\nfive"


def test_a_folded_line_is_copied_whole():
    log = reader("abcdefghij", "k")
    layout = Layout(6, merged=False, wrap=True, left=0)
    log.buffer.wrap(layout.room)
    assert log.selected(Selection(Offset(2, 0), Offset(1, 2)), layout) == "cdefghij\nk"


def test_a_run_is_copied_without_marks():
    log = LogReader(10)
    log.buffer.extend([*lines("run 1 started", stream="mark"), *lines("a", "b", start=2)])
    assert log.run(log.line(newest=True)) == ["a", "b"]
