"""The list of requests: live, filtered, one of them in detail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tui.driving import driven, press, screen_of, settle, shows, text_of, until
from tests.tui.fake_control import FakeControl, request_rows, sample

pytestmark = pytest.mark.usefixtures("from_both_sides")


def control(count: int = 40) -> FakeControl:
    return FakeControl(sample(), requests_=request_rows(count))


async def test_the_newest_comes_first_and_new_ones_come_on_top():
    shown = control()
    async with driven(shown) as (app, pilot):
        await press(pilot, "2")
        await shows(pilot, "Requests 40 of the last 40")
        assert "/api/chat?limit=50" in screen_of(app)[3]
        shown.requests_.append(replace(shown.requests_[0], seq=41, path="/brand/new"))
        app.live.again()
        await settle(pilot)
        await until(pilot, lambda: "/brand/new" in screen_of(app)[3])


async def test_filtering_as_it_is_typed():
    async with driven(control()) as (_app, pilot):
        await press(pilot, "2", "f", *"status:5xx", "enter")
        await shows(pilot, "Requests 10 of the last 40")
        await shows(pilot, "status:5xx")
        await press(pilot, "slash", *" sevice:x")
        await shows(pilot, "did you mean service?")
        await press(pilot, "escape")
        await shows(pilot, "Requests 40 of the last 40")


async def test_errors_only_is_one_key_and_escape_goes_back_step_by_step():
    async with driven(control()) as (app, pilot):
        await press(pilot, "2", "e")
        await shows(pilot, "Requests 10 of")
        await press(pilot, "enter")
        await shows(pilot, "route    /api/b")
        await press(pilot, "escape")
        await shows(pilot, "Requests 10 of")
        assert "route    /api/b" not in text_of(app)
        await press(pilot, "escape")
        await shows(pilot, "Requests 40 of")
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
        await shows(pilot, "paused")
        await press(pilot, "space")
        app.live.again()
        await settle(pilot)
        await shows(pilot, "/brand/new")


async def test_what_comes_too_fast_is_counted():
    shown = control()
    async with driven(shown) as (app, pilot):
        await press(pilot, "2")
        shown.requests_ += [replace(row, seq=row.seq + 40) for row in request_rows(500)]
        app.live.again()
        await settle(pilot)
        await shows(pilot, "300 passed too fast to list")


async def test_copying_as_curl():
    async with driven(control(3)) as (app, pilot):
        await press(pilot, "2")
        await shows(pilot, "Requests 3 of")
        await press(pilot, "y")
        await until(pilot, lambda: app.clipboard != "")
        assert app.clipboard == "curl -i -X POST http://127.0.0.1:8080/api/analytics/batch"


async def test_keys_act_on_the_service_of_the_selected_request():
    shown = control()
    async with driven(shown) as (app, pilot):
        await press(pilot, "2", "j", "j")
        assert app.selected == app.live._current.service
