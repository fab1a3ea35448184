"""Log colours: what is understood, what is shown instead of the rest, and that no piece of text is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.color import Color
from rich.style import Style

from devgate.tui import sgr
from tests.tui.hostile import HOSTILE

LINE = st.lists(
    st.one_of(st.text(max_size=8), st.sampled_from(["\x1b[31m", "\x1b[0m", "\x1b[1;4m", "\t", "漢"])), max_size=8
).map("".join)


@pytest.mark.parametrize(
    ("codes", "style"),
    [
        ("31", Style(color=Color.from_ansi(1))),
        ("92", Style(color=Color.from_ansi(10))),
        ("44", Style(bgcolor=Color.from_ansi(4))),
        ("103", Style(bgcolor=Color.from_ansi(11))),
        ("38;5;208", Style(color=Color.from_ansi(208))),
        ("38;2;1;2;3", Style(color=Color.from_rgb(1, 2, 3))),
        ("38:2:1:2:3", Style(color=Color.from_rgb(1, 2, 3))),
        ("1;4;31", Style(bold=True, underline=True, color=Color.from_ansi(1))),
        ("38;5", Style.null()),
        ("38;2;999;0;0", Style.null()),
        ("8;5;10", Style.null()),
    ],
)
def test_codes(codes: str, style: Style):
    assert sgr.runs(f"\x1b[{codes}mx") == (("x", style),)


def test_a_colour_ends_where_it_is_ended():
    red = Style(color=Color.from_ansi(1))
    assert sgr.runs("a\x1b[31mb\x1b[39mc\x1b[31;1md\x1b[0me") == (
        ("a", Style.null()),
        ("b", red),
        ("c", Style.null()),
        ("d", red + Style(bold=True)),
        ("e", Style.null()),
    )


def test_without_colour_the_attributes_stay():
    assert sgr.runs("\x1b[1;31mx", colour=False) == (("x", Style(bold=True)),)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_becomes_printable(text: str):
    assert all(piece.isprintable() for piece, _ in sgr.runs(text))
    assert sgr.strip_sgr(text).isprintable()


@given(LINE)
def test_the_pieces_are_the_line(text: str):
    assert "".join(piece for piece, _ in sgr.runs(text)) == sgr.strip_sgr(text)


@given(LINE, st.integers(0, 20), st.integers(0, 20))
def test_a_window_is_never_wider_than_asked(text: str, first: int, width: int):
    found, skipped = sgr.window(sgr.runs(text), first, width)
    seen = "".join(piece for piece, _ in found)
    assert cell_len(seen) <= width
    assert sgr.strip_sgr(text)[skipped : skipped + len(seen)] == seen


@given(LINE, st.integers(0, 20), st.integers(0, 20))
def test_an_overlay_changes_no_character(text: str, first: int, last: int):
    laid = sgr.overlay(sgr.runs(text), [(first, last)], Style(reverse=True))
    assert "".join(piece for piece, _ in laid) == sgr.strip_sgr(text)
    marked = "".join(piece for piece, style in laid if style.reverse)
    assert marked == sgr.strip_sgr(text)[first : max(first, last)]


@given(LINE, st.integers(0, 20), st.integers(0, 20))
def test_between_is_a_slice(text: str, first: int, last: int):
    assert (
        "".join(piece for piece, _ in sgr.between(sgr.runs(text), first, last))
        == sgr.strip_sgr(text)[first : max(first, last)]
    )
