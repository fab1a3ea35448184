"""What the overview tells of the selected service beside its routes; the route in the browser; the reload with its plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.tui.driving import driven, press, settle, shows, text_of, until
from tests.tui.fake_control import PLAN, FakeControl, log_lines, sample

if TYPE_CHECKING:
    import pytest


def control() -> FakeControl:
    return FakeControl(sample(), log_lines())


async def test_tabs_go_round():
    async with driven(control()) as (_app, pilot):
        await press(pilot, "right_square_bracket")
        await shows(pilot, "GET /health every 5s")
        await press(pilot, "right_square_bracket")
        await shows(pilot, "devgate.yaml:12")
        await press(pilot, "right_square_bracket")
        await shows(pilot, "JWT_SECRET")
        await shows(pilot, "2 inherited")
        await shows(pilot, "HOME PATH")
        await press(pilot, "right_square_bracket")
        await shows(pilot, "listed chats")
        await press(pilot, "left_square_bracket")
        await shows(pilot, "JWT_SECRET")


async def test_another_service_is_told_of_at_once():
    async with driven(control()) as (_app, pilot):
        await press(pilot, "right_square_bracket", "right_square_bracket", "j")
        await shows(pilot, "  notify-server:")


async def test_a_tab_is_clicked():
    async with driven(control()) as (app, pilot):
        tabs = app.screen.query_one("#tabs")
        await pilot.click("#tabs", offset=(23, 0))
        await settle(pilot)
        await shows(pilot, "JWT_SECRET")
        assert tabs.display


async def test_o_opens_the_services_route_or_copies_it_where_there_is_no_browser(monkeypatch: pytest.MonkeyPatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    async with driven(control()) as (app, pilot):
        await press(pilot, "j", "o")
        await until(pilot, lambda: app.clipboard == "http://127.0.0.1:8080/events")
        await press(pilot, "tab", *["j"] * 5, "o")
        await until(pilot, lambda: app.clipboard == "http://127.0.0.1:8080/api/chat/")


async def test_c_shows_what_a_reload_would_change_and_does_it():
    shown = control()
    async with driven(shown) as (_app, pilot):
        await press(pilot, "c")
        await shows(pilot, "Reload development?")
        await press(pilot, "enter")
        assert shown.asked == [("propose", None), ("apply", "devgate.yaml", "screen")]


async def test_c_with_nothing_changed_says_so():
    shown = control()
    shown.plan = replace(PLAN, new=PLAN.old)
    async with driven(shown) as (app, pilot):
        await press(pilot, "c")
        await until(pilot, lambda: any("What runs is what" in notice.message for notice in app._notifications))
        assert "Reload" not in text_of(app)
