"""What a terminal shows of a line in the end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.supervisor.overtyping import overtyped


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("plain", "plain"),
        ("line\r", "line"),
        ("100 %\rdone", "done%"),
        ("100 %\r\x1b[Kdone", "done"),
        ("ab\b \b", "a"),
        ("abc\b\bX", "aXc"),
        ("abc\b\x1b[1@X", "abXc"),
        ("abc\x1b[2D\x1b[1P", "ac"),
        ("ab\x1b[3Cx", "ab   x"),
        ("abcdef\x1b[3GX", "abXdef"),
        ("abcdef\x1b[3D\x1b[1K", "    ef"),
        ("abc\x1b[2K", "   "),
        ("abcd\r\x1b[2X", "  cd"),
        ("\b\b\x1b[9Dx", "x"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("\x1b[31mred\x1b[0m\rX", "X\x1b[31med\x1b[0m"),
        ("\x1b[?2004h\x1b]0;title\x07> a\x1b[4GX", "> aX"),
        ("\x1b[999999999Cx", None),
    ],
)
def test_what_is_written_over_is_gone(written: str, shown: str | None) -> None:
    found = overtyped(written)
    assert len(found) < 10_000
    assert shown is None or found == shown


@given(st.text(alphabet="ab\r\b\x1b[]0123456789;:CDGKPXm@ ", max_size=200))
def test_nothing_breaks_it(written: str) -> None:
    overtyped(written)
