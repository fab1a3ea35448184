"""Two requests, line by line."""

from dataclasses import replace

import pytest

from devgate.model.detail import Body, Field
from devgate.tui import ink
from devgate.tui.comparison import compared
from tests.inspection.sample import DETAIL, ROW
from tests.tui.hostile import HOSTILE


def said(*changes: object, width: int = 100, **fields: object) -> list[str]:
    return ["".join(part for part, _ in line) for line in compared(DETAIL, replace(DETAIL, **fields), width)]


def test_the_same_is_said_to_be_the_same():
    lines = said()
    assert "Request headers the same" in lines
    assert not any(line.startswith(("+ ", "- ")) for line in lines)


def test_what_differs_stands_side_by_side():
    lines = said(
        row=replace(ROW, status=500, duration_ms=99.0),
        response_body=Body(9, text='{"id": 8, "ok": true}'),
        request=(*DETAIL.request[::-1], Field("X-New", "1")),
    )
    assert "- 201" in lines
    assert "+ 500" in lines
    assert lines[lines.index('-   "id": 7,') + 1] == '+   "id": 8,'
    assert '    "ok": true' in lines
    assert [line for line in lines if line.startswith("+ X")] == ["+ X-New: 1"]
    assert "Request body the same" in lines


def test_long_bodies_are_compared_as_far_as_it_goes():
    lines = said(response_body=Body(9, text="\n".join(map(str, range(100_000)))))
    assert len(lines) < 700


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_no_text_is_wider_than_its_place(hostile: str):
    detail = replace(DETAIL, request=(Field(hostile, hostile),), response_body=Body(9, text=hostile))
    assert all(ink.width_of(line) <= 60 for line in compared(DETAIL, detail, 60))
