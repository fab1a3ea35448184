"""The overview, driven by keys and the mouse over a fake `Control`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devgate.errors import CommandError
from devgate.model.status import ServiceState
from tests.tui.driving import asks, driven, news, press, screen_of, settle, shows, text_of, until
from tests.tui.fake_control import FakeControl, log_lines, request_rows, sample

pytestmark = pytest.mark.usefixtures("from_both_sides")


async def test_shows_process_and_traffic_in_one_row():
    async with driven(FakeControl(sample(), log_lines()), (160, 45)) as (app, _):
        lines = screen_of(app)
        row = next(line for line in lines if "bot-server" in line)
        for words in ("✖ crashed", "6686", "100%", "OPEN 8s", "exit 1 after 12 s"):
            assert words in row
        assert "fechatter/development" in lines[0]
        assert "5/8 ready" in lines[0]


@pytest.mark.parametrize(
    ("service", "key", "asked"),
    [
        ("fechatter-server", "r", ("restart", "fechatter-server")),
        ("fechatter-server", "R", ("restart", "fechatter-server", "dependents")),
        ("fechatter-server", "x", ("stop", "fechatter-server")),
        ("analytics-server", "X", ("kill", "analytics-server")),
        ("notify-server", "a", ("restart", "bot-server")),
        ("bot-server", "s", ("start", "bot-server")),
        ("bot-server", "b", ("reset", "bot-server")),
        ("bot-server", "S", ("check",)),
    ],
)
async def test_a_key_asks_for_something(service: str, key: str, asked: tuple[str, ...]):
    control = FakeControl(sample())
    async with driven(control) as (app, pilot):
        app.selected = service
        app.live.again()
        await press(pilot, key)
        await asks(pilot, control, asked)


async def test_a_key_that_makes_no_sense_now_does_nothing():
    control = FakeControl(sample())
    async with driven(control) as (_, pilot):
        await press(pilot, "s", "b")
        assert control.asked == []


@pytest.mark.parametrize(("key", "asked"), [("A", "adopt"), ("T", "take-port")])
async def test_a_service_whose_port_is_taken_adopts_its_owner_or_ends_him(key: str, asked: str):
    control = FakeControl(sample())
    async with driven(control, (120, 40)) as (app, pilot):
        app.selected = "bot-server"
        app.live.again()
        await press(pilot, key)
        assert control.asked == [], "it has crashed, and its port is free"
        cause = "port 6686 is taken by pid 7 ([red]nc[/])"
        control.change_service("bot-server", state=ServiceState.BLOCKED, blocked_by="port-in-use", cause=cause)
        await news(pilot, control)
        await shows(pilot, "take port")
        await press(pilot, key)
        if key == "T":
            await shows(pilot, "Take over bot-server?")
            await shows(pilot, f"This ends a process: {cause}.")
            assert control.asked == []
            await press(pilot, "enter")
        await asks(pilot, control, (asked, "bot-server"))


async def test_killing_what_serves_requests_asks_first():
    control = FakeControl(sample())
    async with driven(control) as (_app, pilot):
        await press(pilot, "X")
        await shows(pilot, "Kill fechatter-server?")
        await shows(pilot, "3 requests in flight will fail.")
        await press(pilot, "n")
        assert control.asked == []
        await press(pilot, "X", "y")
        await asks(pilot, control, ("kill", "fechatter-server"))


async def test_a_refusal_becomes_a_notice_and_the_screen_lives_on():
    control = FakeControl(sample(), refuses=CommandError("port 6688 is taken by [pid 4]", hint="stop [it]"))
    async with driven(control) as (app, pilot):
        await press(pilot, "r")
        (notice,) = app._notifications
        assert "port 6688 is taken by [pid 4]" in notice.message
        assert "stop [it]" in notice.message
        assert not notice.markup
        control.change_service("fechatter-server", state=ServiceState.STOPPED, pid=None)
        await news(pilot, control)
        await shows(pilot, "○ stopped")


async def test_nothing_is_drawn_while_nothing_changes(monkeypatch: pytest.MonkeyPatch):
    control = FakeControl(sample())
    async with driven(control) as (app, pilot):
        drawn: list[object] = []
        monkeypatch.setattr(app.live, "show", drawn.append)
        app.live.tick()
        app.live.tick()
        assert drawn == []
        control.change()
        await news(pilot, control)
        assert len(drawn) == 1


async def test_selecting_a_service_shows_its_log_and_its_routes():
    control = FakeControl(sample(), [*log_lines(count=3), *log_lines("bot-server", count=3, start=50)])
    async with driven(control) as (app, pilot):
        await press(pilot, "j", "j", "j")
        text = text_of(app)
        assert "Log bot-server  exit 1 after 12 s, 5th in 60 s" in text
        assert app.selected == "bot-server"
        await press(pilot, "t")
        await shows(pilot, "Log all services")
        await press(pilot, "t", "enter")
        assert app.live.view == "logs"
        await shows(pilot, "Log bot-server")
        await press(pilot, "escape")
        assert app.live.view == "overview"
        assert app.selected == "bot-server"


async def test_failing_first_is_a_toggle():
    async with driven(FakeControl(sample())) as (app, pilot):
        await press(pilot, "exclamation_mark")
        await until(pilot, lambda: "bot-server" in screen_of(app)[2])
        await press(pilot, "exclamation_mark")
        await until(pilot, lambda: "fechatter-server" in screen_of(app)[2])


async def test_under_a_hundred_columns_one_pane_at_a_time():
    async with driven(FakeControl(sample(), log_lines()), (80, 24)) as (app, pilot):
        await shows(pilot, "Log fechatter-server")
        await press(pilot, "tab")
        await shows(pilot, "/api/chat/{id}/messages")
        assert "Log fechatter-server" not in text_of(app)
        await press(pilot, "l")
        await shows(pilot, "Log fechatter-server")
        await press(pilot, "tab", "h", "shift+tab")
        await shows(pilot, "/api/chat/{id}/messages")


async def test_the_mouse_selects_and_the_last_line_can_be_clicked():
    control = FakeControl(sample())
    async with driven(control) as (app, pilot):
        await pilot.click("#services", offset=(5, 4))
        await settle(pilot)
        assert app.selected == "bot-server"
        line = screen_of(app)[-1]
        await pilot.click("#keys", offset=(line.index("r restart"), 0))
        await asks(pilot, control, ("restart", "bot-server"))
        await pilot.click("#keys", offset=(line.index("? help"), 0))
        await until(pilot, lambda: "Next pane: services" in text_of(app))


async def test_a_service_that_has_gone_takes_the_selection_to_another():
    control = FakeControl(sample())
    async with driven(control) as (app, pilot):
        await press(pilot, "j", "j")
        control.change(services=control.now.services[:2])
        await news(pilot, control)
        assert app.selected == control.now.services[1].name
        control.change(services=())
        await news(pilot, control)
        assert app.selected == ""
        await press(pilot, "r", "x", "enter")
        assert control.asked == []


async def test_enter_on_a_route_shows_its_requests():
    control = FakeControl(sample(), [], request_rows())
    async with driven(control) as (app, pilot):
        await press(pilot, "tab", "j", "j", "j", "j", "enter")
        await shows(pilot, "route:/api/chat")
        assert "/api/bot/commands" not in text_of(app)
        await press(pilot, "escape")
        await shows(pilot, "/api/bot/commands")


async def test_nothing_is_offered_that_needs_a_service_or_a_route_where_there_is_none():
    async with driven(FakeControl(replace(sample(), services=(), routes=()))) as (app, pilot):
        await press(pilot, "tab", "tab", "tab")
        keys = screen_of(app)[-1]
        assert "⏎" not in keys
        assert "fault" not in keys
        assert "restart" not in keys
