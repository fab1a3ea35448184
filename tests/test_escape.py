import os
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.escape import cells, clipped, visible, without_colour

HOSTILE = {
    "colour": ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
    "clipboard": ("\x1b]52;c;cm0gLXJm\x07", r"\x1b]52;c;cm0gLXJm\x07"),
    "title": ("\x1b]0;owned\x1b\\", "\\x1b]0;owned\\x1b\\"),
    "c1 csi": ("\x9b2Jgone", r"\x9b2Jgone"),
    "device control": ("\x90q#0\x9c", r"\x90q#0\x9c"),
    "carriage return": ("good\rbad", r"good\rbad"),
    "lines": ("a\nb\x0bc\x0cd\x85e\u2028f\u2029g", r"a\nb\x0bc\x0cd\x85e\u2028f\u2029g"),
    "tab": ("a\tb", r"a\tb"),
    "nul and delete": ("a\0b\x7f", r"a\x00b\x7f"),
    "backspaces": ("pass\b\b\b\bfail", r"pass\x08\x08\x08\x08fail"),
    "bidi override": ("user\u202etxt.exe", r"user\u202etxt.exe"),
    "bidi isolate": ("\u2066a\u2069", r"\u2066a\u2069"),
    "marks of direction": ("\u200e\u200f\u061c", r"\u200e\u200f\u061c"),
    "zero width": ("pay\u200bpal\ufeff", r"pay\u200bpal\ufeff"),
    "tag characters": ("x\U000e0041\U000e007f", r"x\U000e0041\U000e007f"),
    "fillers": ("a\u3164b\uffa0c\u115fd", r"a\u3164b\uffa0c\u115fd"),
    "lone surrogate": ("\ud83d", r"\ud83d"),
    "undecodable byte": (os.fsdecode(b"caf\xe9") if sys.platform != "win32" else "caf\udce9", r"caf\xe9"),
}


@pytest.mark.parametrize(("text", "shown"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_shown_and_not_obeyed(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "GET /api/users?id=7",
        "naïve café",
        "日本語",
        "🙂 done",
        "שלום",
        "[bold]not markup[/bold]",
        "C:\\new\\table",
        "\ue0b0",
    ],
)
def test_honest_text_is_left_alone(text: str) -> None:
    assert visible(text) == text


def test_piled_up_marks_are_bounded() -> None:
    shown = visible("z" + "\u0301" * 500)
    assert shown.startswith("z" + "\u0301" * 4 + r"\u0301")
    assert shown.count("\u0301") == 4


@given(st.text(), st.integers(0, 60))
def test_never_wider_than_asked_and_always_printable(text: str, width: int) -> None:
    shown = visible(text, width)
    assert cells(shown) <= width
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert visible(shown, width) == shown


@given(st.text(alphabet=st.characters(categories=["Cf"]), min_size=1))
def test_every_format_character_of_this_unicode_version_is_escaped(text: str) -> None:
    assert visible(text).isascii()


def test_width_counts_cells() -> None:
    assert cells("日本語") == 6
    assert clipped("日本語", 5) == "日本…"
    assert clipped("日本語", 4) == "日…"
    assert clipped("plain", 5) == "plain"
    assert clipped("plain text", 5) == "plai…"
    assert clipped("e\u0301e\u0301e\u0301", 3) == "e\u0301e\u0301e\u0301"
    assert clipped("anything", 0) == ""


def test_an_escape_is_cut_like_other_text() -> None:
    assert visible("\x1b\x1b\x1b", 6) == "\\x1b\\…"


def test_a_monstrous_line_costs_no_more_than_its_width() -> None:
    assert visible("\x1b" * 50_000_000, 10) == "\\x1b\\x1b\\…"


def test_colour_is_taken_off_and_nothing_else() -> None:
    assert without_colour("\x1b[1;31merror\x1b[0m: \x1b[38;2;1;2;3mx\x1b[m") == "error: x"
    assert without_colour("\x1b[2J") == "\x1b[2J"
