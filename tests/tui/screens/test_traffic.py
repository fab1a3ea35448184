"""The list of requests: live, filtered, one of them in detail."""

from __future__ import annotations

from dataclasses import replace

from devgate.model.query import LogLine
from tests.tui.driving import driven, press, screen_of, settle, text_of
from tests.tui.fake_control import FakeControl, request_rows, sample


def control(count: int = 40) -> FakeControl:
    return FakeControl(sample(), requests_=request_rows(count))


async def test_the_newest_comes_first_and_new_ones_come_on_top():
    shown = control()
    async with driven(shown) as (app, pilot):
        await press(pilot, "2")
        assert "Requests 40 of the last 40" in text_of(app)
        assert "/api/chat?limit=50" in screen_of(app)[3]
        shown.requests_.append(replace(shown.requests_[0], seq=41, path="/brand/new"))
        app.live.again()
        await settle(pilot)
        assert "/brand/new" in screen_of(app)[3]


async def test_filtering_as_it_is_typed():
    async with driven(control()) as (app, pilot):
        await press(pilot, "2", "f", *"status:5xx", "enter")
        assert "Requests 10 of the last 40" in text_of(app)
        assert "status:5xx" in screen_of(app)[1]
        await press(pilot, "slash", *" sevice:x")
        assert "did you mean service?" in text_of(app)
        await press(pilot, "escape")
        assert "Requests 40 of the last 40" in text_of(app)


async def test_errors_only_is_one_key_and_escape_goes_back_step_by_step():
    async with driven(control()) as (app, pilot):
        await press(pilot, "2", "e", "enter")
        assert "Requests 10 of" in text_of(app)
        assert "route    /api/b" in text_of(app)
        await press(pilot, "escape")
        assert "route    /api/b" not in text_of(app)
        await press(pilot, "escape")
        assert "Requests 40 of" in text_of(app)
        await press(pilot, "escape")
        assert app.live.view == "overview"


async def test_pausing_holds_the_list_still():
    shown = control()
    async with driven(shown) as (app, pilot):
        await press(pilot, "2", "space")
        shown.requests_.append(replace(shown.requests_[0], seq=41, path="/brand/new"))
        app.live.again()
        await settle(pilot)
        assert "/brand/new" not in text_of(app)
        assert "paused" in screen_of(app)[1]
        await press(pilot, "space")
        app.live.again()
        await settle(pilot)
        assert "/brand/new" in text_of(app)


async def test_what_comes_too_fast_is_counted():
    shown = control()
    async with driven(shown) as (app, pilot):
        await press(pilot, "2")
        shown.requests_ += [replace(row, seq=row.seq + 40) for row in request_rows(500)]
        app.live.again()
        await settle(pilot)
        assert "300 passed too fast to list" in screen_of(app)[1]


async def test_details_show_what_the_service_logged_meanwhile():
    shown = control()
    row = replace(shown.requests_[-1], seq=41, path="/slow", service="bot-server", duration_ms=2000.0)
    shown.requests_.append(row)
    shown.lines = [
        LogLine(1, row.at - 60, "bot-server", 0, "out", "long before", 1),
        LogLine(2, row.at + 1, "bot-server", 0, "out", "\x1b[31min the middle\x1b[0m", 1),
        LogLine(3, row.at + 60, "bot-server", 0, "out", "long after", 1),
    ]
    async with driven(shown) as (app, pilot):
        await press(pilot, "2", "enter")
        text = text_of(app)
        assert "bot-server meanwhile" in text
        assert "in the middle" in text
        assert "long before" not in text
        assert "long after" not in text
        await press(pilot, "j")
        assert "bot-server meanwhile" not in text_of(app)


async def test_copying_as_curl():
    async with driven(control(3)) as (app, pilot):
        await press(pilot, "2", "y")
        assert app.clipboard == "curl -i -X POST http://127.0.0.1:8080/api/analytics/batch"


async def test_keys_act_on_the_service_of_the_selected_request():
    shown = control()
    async with driven(shown) as (app, pilot):
        await press(pilot, "2", "j", "j")
        assert app.selected == app.live._current.service
