"""Whatever a service writes, lines come out that act on no terminal."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.supervisor.lines import LONGEST, LineDecoder, clean, plain


def lines(*chunks: bytes) -> list[str]:
    decoder = LineDecoder()
    return [line for chunk in chunks for line in decoder.feed(chunk)] + decoder.flush()


def test_cuts_at_line_ends_wherever_the_chunks_end() -> None:
    assert lines(b"one\ntw", b"o\n", b"\nthree") == ["one", "two", "", "three"]


def test_holds_an_unfinished_line_back() -> None:
    decoder = LineDecoder()
    assert decoder.feed(b"Password: ") == []
    assert decoder.flush() == ["Password: "]
    assert decoder.flush() == []


def test_a_character_may_be_cut_in_two() -> None:
    assert lines("na\u00efve \u2713\n".encode()[:3], "na\u00efve \u2713\n".encode()[3:]) == ["naïve ✓"]


def test_what_is_no_text_is_replaced() -> None:
    assert lines(b"\xff\xfe ok\n") == ["\ufffd\ufffd ok"]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("\x1b[38;2;1;2;3mrgb", "\x1b[38;2;1;2;3mrgb"),
        ("\x1b[38:5:208morange", "\x1b[38:5:208morange"),
        ("\x1b[2J\x1b[Hgone", "gone"),
        ("\x1b[?1049h\x1b[?25lscreen", "screen"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]52;c;ZXZpbA==\x1b\\clip", "clip"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0~\x1b\\sixel", "sixel"),
        ("\x1b(0charset", "charset"),
        ("\x1bcreset", "reset"),
        ("\x1b[31", ""),
        ("\x1b", ""),
        ("\x9b31mc1\x9d0;t\x9c.", "\x1b[31mc1."),
        ("a\x00b\x07c\x08d\x7f", "abcd"),
        ("\x1b\x1b]0;x\x07[2J", "[2J"),
        ("\x1b\x9d0;x\x07[2Jx", "[2Jx"),
        ("a\tb", "a\tb"),
        ("\u202eevil\u2066", "evil"),
        ("\x1b[>4;2m\x1b[?1m", ""),
    ],
)
def test_only_colour_survives(written: str, kept: str) -> None:
    assert clean(written) == kept


def test_an_unfinished_sequence_swallows_a_bounded_part() -> None:
    text = clean("\x1b]0;" + "x" * 5000)
    assert len(text) == 5002 - 4096
    assert lines(b"\x1b]0;unfinished\n", b"next\n") == ["", "next"]


def test_a_progress_bar_shows_what_it_wrote_last() -> None:
    assert lines(b"10%\r50%\r100%\n") == ["100%"]
    assert lines(b"10%\r50%\r\n") == ["50%"]
    assert lines(b"windows\r\nends\r\n") == ["windows", "ends"]


def test_a_line_is_cut_and_says_by_how_much() -> None:
    (line,) = lines(b"x" * (LONGEST + 100) + b"\n")
    assert line == "x" * LONGEST + " … (100 more bytes)"


def test_a_line_without_end_takes_no_memory() -> None:
    decoder = LineDecoder()
    for _ in range(1000):
        assert decoder.feed(b"y" * 65536) == []
    assert len(decoder._pending) == LONGEST
    first, second = decoder.feed(b"end\nnext\n")
    assert first == "y" * LONGEST + f" … ({65_536_000 - LONGEST + 3} more bytes)"
    assert second == "next"


def test_a_progress_bar_without_end_stays_readable() -> None:
    decoder = LineDecoder()
    for percent in range(100_000):
        decoder.feed(f"\r{percent} of many".encode())
    assert decoder.feed(b"\n") == ["99999 of many"]


def test_colours_can_be_taken_off() -> None:
    assert plain("\x1b[31mred\x1b[0m text") == "red text"


HARMFUL = re.compile("[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|\x1b(?!\\[[0-9;:]*m)")


@given(
    st.lists(st.binary(max_size=60) | st.sampled_from([b"\x1b[", b"\x1b]", b"\x07", b"\r", b"\n", b"m", b"\xc2\x9b"]))
)
def test_nothing_harmful_comes_out_of_anything(chunks: list[bytes]) -> None:
    for line in lines(*chunks):
        assert not HARMFUL.search(line), repr(line)
    assert lines(*chunks) == lines(b"".join(chunks))
