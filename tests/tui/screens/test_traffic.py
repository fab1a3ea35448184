"""The list of requests: live, filtered, one of them in detail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tui.driving import driven, press, screen_of, settle, shows, text_of, until
from tests.tui.fake_control import FakeControl, request_rows, rows_under_way, sample

pytestmark = pytest.mark.usefixtures("from_both_sides")


def control(count: int = 40) -> FakeControl:
    return FakeControl(sample(), requests_=request_rows(count))


async def test_the_newest_comes_first_and_new_ones_come_on_top():
    shown = control()
    async with driven(shown) as (app, pilot):
        await press(pilot, "2")
        await shows(pilot, "Requests 40 of the last 40")
        assert "/api/chat?limit=50" in screen_of(app)[3]
        last = shown.requests_[-1]
        shown.requests_.append(replace(last, seq=41, at=last.at + 1, path="/brand/new"))
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
        last = shown.requests_[-1]
        shown.requests_.append(replace(last, seq=41, at=last.at + 1, path="/brand/new"))
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


async def test_what_is_under_way_stands_where_it_came_in_and_becomes_the_finished_row_there():
    shown = control()
    waiting = next(row for row in rows_under_way() if row.state == "waiting")
    waiting = replace(waiting, at=shown.requests_[-3].at + 0.5)
    shown.under_way = [waiting]
    async with driven(shown, (160, 45)) as (app, pilot):
        await press(pilot, "2")
        await shows(pilot, "1 under way")
        line = screen_of(app)[5]
        for words in ("/api/billing/invoices", "waits", "3s", "no answer yet", "billing-server"):
            assert words in line
        await press(pilot, "j", "j", "enter")
        await shows(pilot, "Request under way")
        await press(pilot, "escape")
        await shows(pilot, "1 under way")
        shown.under_way = []
        newest = replace(shown.requests_[-1], seq=41, at=shown.requests_[-1].at + 1, request_id="0190-new", path="/new")
        ended = replace(waiting, seq=42, status=204, duration_ms=4_000, state="done")
        shown.requests_ += [newest, ended]
        app.live.again()
        await until(pilot, lambda: "204" in screen_of(app)[6] and "/api/billing/invoices" in screen_of(app)[6])
        assert "/new" in screen_of(app)[3]
        assert "under way" not in screen_of(app)[1]
        await press(pilot, "enter")
        await shows(pilot, "Request 42")


async def test_every_state_is_a_word_at_every_size():
    shown = FakeControl(sample(), under_way=rows_under_way())
    async with driven(shown, (80, 24)) as (_, pilot):
        await press(pilot, "2")
        for words in ("held", "queued", "waits", "begun", "200…", "101…", "7 under way", "WebSocket", "event stream"):
            await shows(pilot, words)
        await press(pilot, "f", *"state:held", "enter")
        await shows(pilot, "Requests 1 of")
        await press(pilot, "f", *"state:open", "enter")
        await shows(pilot, "Requests 7 of")
        await press(pilot, "f", *"state:done", "enter")
        await shows(pilot, "nothing matches; esc shows everything again")


async def test_an_empty_list_says_where_to_send_to():
    async with driven(FakeControl(sample())) as (_, pilot):
        await press(pilot, "2")
        await shows(pilot, "no requests yet; whatever is sent to http://127.0.0.1:8080 shows up here")
