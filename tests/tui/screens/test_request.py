"""One request in detail: what is shown in which width, and what its keys do."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devgate.errors import CommandError
from devgate.model.detail import Body, Decision, Field, Message
from devgate.model.query import LogLine
from tests.inspection.sample import DETAIL
from tests.tui.driving import driven, press, screen_of, shows, text_of, until
from tests.tui.fake_control import FakeControl, request_rows, rows_under_way, sample
from tests.tui.hostile import HOSTILE

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

pytestmark = pytest.mark.usefixtures("from_both_sides")


def control(**changes: object) -> FakeControl:
    """The newest of three requests has everything."""
    rows = request_rows(3)
    rows[-1] = replace(rows[-1], method="POST", path="/api/chat?q=1", service="bot-server", duration_ms=2000.0)
    return FakeControl(sample(), requests_=rows, details={3: replace(DETAIL, row=rows[-1], **changes)})


async def opened(pilot: Pilot[None]) -> None:
    """The newest request in detail."""
    await press(pilot, "2")
    await shows(pilot, "Requests 3 of")
    await press(pilot, "enter")
    await shows(pilot, "1 of 3")
    await shows(pilot, "Decisions")


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_everything_is_in_reach(size: tuple[int, int]):
    async with driven(control(), size=size) as (app, pilot):
        await opened(pilot)
        seen = text_of(app)
        for _ in range(6):
            await press(pilot, "pagedown")
            seen += text_of(app)
        for part in (
            "POST",
            "/api/chat?q=1",
            "held for 10 ms",
            "until the first byte",
            "Authorization: Bearer ***",
            '"ok": true',
        ):
            assert part in seen
        assert app.live.view == "request"


async def test_two_columns_where_there_is_room():
    async with driven(control(), size=(160, 45)) as (app, pilot):
        await opened(pilot)
        await until(
            pilot, lambda: any("request " in line and line.rstrip().endswith("Request") for line in screen_of(app))
        )
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: not app.live._way.display)
        await shows(pilot, "Decisions")


async def test_parts_are_jumped_to():
    async with driven(control(), size=(80, 24)) as (app, pilot):
        await opened(pilot)
        await press(pilot, *["tab"] * 3)
        await until(pilot, lambda: screen_of(app)[2].strip() == "Request")
        await press(pilot, "shift+tab")
        await until(pilot, lambda: screen_of(app)[2].strip() == "Decisions")


async def test_what_the_service_logged_meanwhile():
    shown = control()
    at = shown.requests_[-1].at
    shown.lines = [
        LogLine(1, at - 60, "bot-server", 0, "out", "long before", 1),
        LogLine(2, at + 1, "bot-server", 0, "out", "\x1b[31min the middle\x1b[0m", 1),
        LogLine(3, at + 60, "bot-server", 0, "out", "long after", 1),
    ]
    async with driven(shown, size=(160, 45)) as (app, pilot):
        await opened(pilot)
        await shows(pilot, "in the middle")
        assert "bot-server meanwhile" in text_of(app)
        assert "long before" not in text_of(app)
        assert "long after" not in text_of(app)


async def test_going_through_the_list_and_back():
    async with driven(control()) as (app, pilot):
        await opened(pilot)
        await press(pilot, "n")
        await shows(pilot, "2 of 3")
        await shows(pilot, "/events")
        await press(pilot, "n", "n")
        await shows(pilot, "3 of 3")
        await press(pilot, "N", "N")
        await shows(pilot, "1 of 3")
        await press(pilot, "escape")
        assert app.live.view == "traffic"


async def test_one_that_is_forgotten_says_so():
    shown = control()
    async with driven(shown) as (app, pilot):
        await press(pilot, "2")
        await shows(pilot, "Requests 3 of")
        shown.requests_ = []
        await press(pilot, "enter")
        await shows(pilot, "request 3 is not remembered")
        await press(pilot, "y", "w", "r", "e", "escape")
        assert app.live.view == "traffic"


async def test_copying(monkeypatch: pytest.MonkeyPatch):
    async with driven(control()) as (app, pilot):
        await opened(pilot)
        await press(pilot, "y")
        assert "curl -i http://127.0.0.1:8080/api/chat?q=1" in app.clipboard.replace("'", "")
        assert "--data-raw" in app.clipboard
        await press(pilot, "Y")
        assert json.loads(app.clipboard) == {"id": 7, "ok": True}


async def test_saving_as_har(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    async with driven(control()) as (_app, pilot):
        await opened(pilot)
        await press(pilot, "w")
        await until(pilot, lambda: list(tmp_path.glob("*.har")))
    (file,) = tmp_path.glob("*.har")
    assert json.loads(file.read_text())["log"]["entries"][0]["request"]["method"] == "POST"


async def test_sending_again_asks_where_it_has_effects():
    shown = control()
    async with driven(shown) as (app, pilot):
        await opened(pilot)
        await press(pilot, "r")
        await shows(pilot, "It will have its effects once more.")
        await press(pilot, "escape")
        assert shown.asked == []
        await press(pilot, "r", "enter")
        await until(pilot, lambda: shown.asked == [("replay", 3)])
        await press(pilot, "n")
        await shows(pilot, "2 of 3")
        await press(pilot, "r")  # a GET
        await until(pilot, lambda: shown.asked == [("replay", 3), ("replay", 2)])
        assert app.live.view == "request"


async def test_a_refusal_is_shown():
    shown = control()
    shown.refuses = CommandError("its body was not kept", code="gone", status=409)
    async with driven(shown) as (app, pilot):
        await opened(pilot)
        await press(pilot, "n")
        await shows(pilot, "2 of 3")
        await press(pilot, "r")
        await until(pilot, lambda: any("its body was not kept" in notice.message for notice in app._notifications))


@pytest.mark.parametrize("name", HOSTILE)
async def test_no_text_acts(name: str):
    evil = HOSTILE[name]
    shown = control(
        request=(Field(evil, evil),),
        request_body=Body(9, text=evil),
        response_body=Body(9, evil, note=evil),
        decisions=(Decision(evil, evil),),
        messages=(Message("client", "text", 2, evil, evil, evil),),
        note=evil,
    )
    async with driven(shown, size=(80, 24)) as (app, pilot):
        await press(pilot, "2")
        await shows(pilot, "Requests 3 of")
        await press(pilot, "enter")
        await shows(pilot, "1 of 3")
        for _ in range(4):
            lines = screen_of(app)
            assert not any(sign in line for line in lines for sign in "\x1b\x07\u202e\x9b\x00")
            await press(pilot, "pagedown")
        assert len(lines) == 24


async def test_comparing_two():
    shown = control()
    shown.details[1] = replace(DETAIL, row=shown.requests_[0], response_body=Body(9, text='{"id": 8, "ok": true}'))
    async with driven(shown, size=(160, 45)) as (app, pilot):
        await opened(pilot)
        await press(pilot, "equals_sign")
        await until(pilot, lambda: any("Nothing is pinned" in notice.message for notice in app._notifications))
        await press(pilot, "space", "escape")
        await shows(pilot, "Requests 3 of")
        await press(pilot, "j", "j", "enter")
        await shows(pilot, "3 of 3")
        await press(pilot, "equals_sign")
        await shows(pilot, "against request 3")
        await shows(pilot, '-   "id": 7,')
        await shows(pilot, '+   "id": 8,')
        await press(pilot, "escape")
        await until(pilot, lambda: "against request" not in text_of(app))
        assert app.live.view == "request"


async def test_one_that_is_under_way_grows_and_then_ends(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("devgate.tui.screens.request.AGAIN_S", 0.01)
    shown = control()
    stream = next(row for row in rows_under_way() if row.kind == "sse")
    shown.under_way = [stream]
    shown.details[stream.request_id] = replace(DETAIL, row=stream, messages=(Message("service", "event", 5, "first"),))
    async with driven(shown, size=(120, 40)) as (app, pilot):
        await press(pilot, "2")
        await shows(pilot, "1 under way")
        app.live._table.select(f"~{stream.request_id}")
        await press(pilot, "enter")
        await shows(pilot, "Request under way")
        await shows(pilot, "first")
        assert "y curl" in screen_of(app)[-1]
        assert "send again" not in screen_of(app)[-1]
        for key in ("space", "w", "r", "e"):
            await press(pilot, key)
        assert not app._notifications
        assert shown.asked == []
        more = (*shown.details[stream.request_id].messages, Message("service", "event", 6, "second"))
        shown.details[stream.request_id] = replace(DETAIL, row=stream, messages=more)
        await shows(pilot, "second")
        ended = replace(stream, seq=4, state="done")
        shown.under_way, shown.requests_ = [], [*shown.requests_, ended]
        shown.details[4] = replace(DETAIL, row=ended, messages=more)
        await shows(pilot, "Request 4")
        await shows(pilot, "send again")
        await press(pilot, "space")
        await until(pilot, lambda: any("request 4 is pinned" in one.message for one in app._notifications))
