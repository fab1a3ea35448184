"""Fitting: exact widths whatever the text, nothing harmful left in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from devgate.tui import ink
from tests.tui.hostile import HOSTILE

RUNS = st.lists(st.tuples(st.text(max_size=12), st.sampled_from(ink.NAMES)), max_size=5).map(tuple)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("width", [0, 1, 2, 7, 30])
def test_hostile_text_takes_no_more_than_its_cell(text: str, width: int):
    fitted = ink.fit(text, width)
    assert cell_len(fitted) <= width
    assert fitted.isprintable()


@given(RUNS, st.integers(min_value=0, max_value=30), st.booleans())
def test_runs_fill_their_width_exactly(runs: ink.Runs, width: int, right: bool):
    fitted = ink.fit_runs(runs, width, right=right)
    assert sum(cell_len(text) for text, _ in fitted) == width


def test_what_is_cut_ends_in_an_ellipsis():
    assert ink.fit("notify-server", 8) == "notify-…"
    assert ink.fit("漢字漢字", 5) == "漢字…"


def test_numbers_stand_at_the_right():
    assert ink.fit_runs((("12", "plain"),), 5, right=True) == (("   ", "plain"), ("12", "plain"))


@given(RUNS)
def test_merging_changes_no_character(runs: ink.Runs):
    assert "".join(text for text, _ in ink.merged(runs)) == "".join(text for text, _ in runs)


def test_ascii_keeps_our_signs_apart():
    signs = "●◐▲✖○◇"
    assert len({ink.plain_ascii(sign) for sign in signs}) == len(signs)
    assert ink.plain_ascii("✖ crashed · 日本") == "x crashed - ??"


def test_what_is_cut_between_two_runs_is_seen_to_be_cut():
    cut = ink.fit_runs((("first", "plain"), (" · ", "muted"), ("second", "plain")), 8)
    assert "".join(text for text, _ in cut) == "first ·…"
    assert "".join(text for text, _ in ink.fit_runs((("first", "plain"), ("  ", "muted")), 5)) == "first"
    assert "".join(text for text, _ in ink.fit_runs((("ab  ", "plain"), ("cd", "plain")), 4)) == "ab… "
