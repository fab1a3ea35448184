"""A request as text, in every width."""

import json
from dataclasses import replace

import pytest

from devgate.model.detail import Body, Field, Message, Phase, RequestDetail
from devgate.tui import ink
from devgate.tui.request_text import MOST, flat, sections
from tests.inspection.sample import DETAIL, ROW
from tests.tui.hostile import HOSTILE


def text(detail: RequestDetail, width: int = 100) -> str:
    return "\n".join("".join(part for part, _ in line) for line in flat(sections(detail, width)))


def test_all_parts_are_there():
    said = text(DETAIL)
    for part in (
        "201",
        "held for 10 ms",
        "Authorization: Bearer ***",
        '"text": "it\'s"',
        '"ok": true',
        "As the service got it",
    ):
        assert part in said
    assert said.index("Time") < said.index("Decisions") < said.index("Request") < said.index("Response")


def test_the_waterfall_shows_what_took_how_long():
    (time,) = [section for section in sections(DETAIL, 100) if section.title == "Time"]
    bars = [line[0][0] for line in time.lines]
    assert len({len(bar) for bar in bars}) == 1
    counts = [bar.count("█") for bar in bars]
    assert counts[2] > counts[0] > counts[3] > counts[1] >= 1
    starts = [bar.index("█") for bar in bars]
    assert starts == sorted(starts)
    assert "until the first byte" in "".join(part for part, _ in time.lines[2])


def test_what_a_client_did_not_wait_for_is_not_said_to_have_come():
    left = replace(DETAIL, row=replace(ROW, status=499, error="client-left"), phases=(Phase("waited", 0, 20),))
    assert "until the client left" in text(left)
    assert "first byte" not in text(left)


def test_a_picture_is_a_type_and_a_size():
    said = text(replace(DETAIL, response_body=Body(12_345, "image/png", base64="AAAA")))
    assert "image/png, 12,345 bytes: a picture" in said
    assert "AAAA" not in said


def test_messages_instead_of_a_body():
    said = text(
        replace(
            DETAIL, row=replace(ROW, kind="websocket"), messages=(*DETAIL.messages, Message("client", "binary", 2048))
        )
    )
    assert "3 messages" in said
    assert "→ text hi" in said
    assert "← close 1000" in said
    assert "→ binary 2K" in said


def test_what_is_cut_is_said():
    assert "only the beginning of 99,999 bytes" in text(replace(DETAIL, response_body=Body(99_999, text="a", cut=True)))
    lines = flat(sections(replace(DETAIL, response_body=Body(9, text="a\n" * 5_000)), 100))
    assert len(lines) < MOST + 100
    assert "and more that were not kept" in text(replace(DETAIL, row=replace(ROW, kind="sse"), messages_cut=True))


def test_bytes_that_are_gone():
    assert "no longer held" in text(RequestDetail(ROW, note="headers are no longer held"))


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("width", [20, 78, 160])
def test_no_text_is_wider_than_its_place(hostile: str, width: int):
    detail = replace(
        DETAIL,
        row=replace(ROW, kind="sse"),
        request=(Field(hostile, hostile),),
        request_body=Body(9, text=hostile),
        response_body=Body(9, text=json.dumps({hostile: hostile})),
        messages=(Message("service", "event", 9, hostile, hostile, hostile),),
        phases=(Phase("waited", 0.0, 1e9),),
    )
    for section in sections(detail, width):
        if section.title and section.title != "Time":
            for line in section.lines:
                assert ink.width_of(line) <= width, line
