"""Folding: nothing is lost, nothing is too wide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.escape import cells, visible
from devgate.tui.folding import folded, wrapped

if TYPE_CHECKING:
    from devgate.tui.ink import Runs

RUNS = st.lists(st.tuples(st.text(max_size=60), st.sampled_from(["plain", "muted"])), max_size=4).map(tuple)


def text(line: Runs) -> str:
    return "".join(part for part, _ in line)


def test_sentences_are_folded_between_words():
    line = (("route     ", "muted"), ("/api/chat/{id}/messages leads to fechatter-server", "plain"))
    assert [text(piece) for piece in folded(line, 44, indent=10)] == [
        "route     /api/chat/{id}/messages leads to",
        "          fechatter-server",
    ]


@pytest.mark.parametrize("fold", [folded, wrapped])
@given(runs=RUNS, width=st.integers(min_value=20, max_value=50), indent=st.integers(min_value=0, max_value=11))
def test_nothing_is_too_wide_and_nothing_but_space_is_lost(fold, runs, width: int, indent: int):
    pieces = fold(runs, width, indent=indent)
    assert all(cells(text(piece)) <= width for piece in pieces)
    said = "".join(text(piece) for piece in pieces)
    assert "".join(said.split()) == "".join(visible(text(runs)).split())
