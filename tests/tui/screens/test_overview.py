"""The overview, driven by keys over a fake `Control`."""

from __future__ import annotations

import pytest

from devgate.errors import CommandError
from devgate.model.status import ServiceState
from devgate.tui.app import DevgateApp
from tests.tui.driving import press, screen_of
from tests.tui.fake_control import FakeControl, log_lines, sample


async def test_shows_process_and_traffic_in_one_row() -> None:
    app = DevgateApp(FakeControl(sample(), log_lines()))
    async with app.run_test(size=(160, 45)) as pilot:
        await press(pilot)
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
        ("notify-server", "a", ("restart", "bot-server")),
        ("bot-server", "s", ("start", "bot-server")),
        ("bot-server", "b", ("reset", "bot-server")),
        ("bot-server", "S", ("check",)),
    ],
)
async def test_a_key_asks_for_something(service: str, key: str, asked: tuple[str, ...]) -> None:
    control = FakeControl(sample())
    app = DevgateApp(control)
    async with app.run_test() as pilot:
        app.selected = service
        app.live.again()
        await press(pilot, key)
        assert control.asked == [asked]


async def test_a_key_that_makes_no_sense_now_does_nothing() -> None:
    control = FakeControl(sample())
    app = DevgateApp(control)
    async with app.run_test() as pilot:
        await press(pilot, "s", "b")
        assert control.asked == []


async def test_a_refusal_becomes_a_notice_and_the_screen_lives_on() -> None:
    control = FakeControl(sample(), refuses=CommandError("port 6688 is taken by [pid 4]", hint="stop [it]"))
    app = DevgateApp(control)
    async with app.run_test() as pilot:
        await press(pilot, "r")
        (notice,) = app._notifications
        assert "port 6688 is taken by [pid 4]" in notice.message
        assert "stop [it]" in notice.message
        assert not notice.markup
        control.change_service("fechatter-server", state=ServiceState.STOPPED, pid=None)
        app.live.tick()
        await press(pilot)
        assert any("○ stopped" in line for line in screen_of(app))


async def test_nothing_is_drawn_while_nothing_changes() -> None:
    control = FakeControl(sample())
    app = DevgateApp(control)
    async with app.run_test() as pilot:
        await press(pilot)
        before = control.snapshots
        app.live.tick()
        app.live.tick()
        assert control.snapshots == before


async def test_quitting_names_what_stops_and_asks() -> None:
    control = FakeControl(sample())
    app = DevgateApp(control)
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, "q")
        text = "\n".join(screen_of(app))
        assert "notify-server" in text
        assert "search-service runs elsewhere and will go on" in text
        await press(pilot, "escape")
        assert control.asked == []
        await press(pilot, "ctrl+c", "ctrl+c")
        assert control.asked == [("request_stop", "screen")]
