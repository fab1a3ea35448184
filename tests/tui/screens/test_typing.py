"""Typing into a service with a terminal of its own, from both views that show its log."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devgate.errors import CommandError
from devgate.tui.widgets.typewriter import Typewriter
from tests.tui.driving import asks, driven, press, screen_of, shows, text_of, until
from tests.tui.fake_control import FakeControl, log_lines, sample

if TYPE_CHECKING:
    from devgate.model.query import LogSlice
    from devgate.tui.app import DevgateApp

pytestmark = pytest.mark.usefixtures("from_both_sides")

SERVICE = "fechatter-server"


class WithTerminal(FakeControl):
    """The first service has a terminal, in which `unfinished` stands."""

    unfinished = "name? "

    async def logs(self, names: tuple[str, ...], after: int = 0, limit: int = 1000) -> LogSlice:
        part = await super().logs(names, after, limit)
        return replace(part, unfinished=self.unfinished) if tuple(names) == (SERVICE,) else part

    async def resize(self, name: str, columns: int, rows: int) -> None:
        self.size = name, columns, rows

    async def type_into(self, name: str, data: bytes) -> None:
        await super().type_into(name, data)
        self.unfinished += "".join(char for char in data.decode() if char.isprintable())

    @property
    def typed(self) -> bytes:
        return b"".join(data for what, name, data in self.asked if (what, name) == ("type", SERVICE))


@pytest.fixture
def control() -> WithTerminal:
    control = WithTerminal(sample(), log_lines(count=60))
    control.change_service(SERVICE, tty=True)
    return control


def typing(app: DevgateApp) -> bool:
    return isinstance(app.focused, Typewriter)


@pytest.mark.parametrize("view", ["1", "3"])
async def test_i_types_and_every_key_is_the_services_but_one(control: WithTerminal, view: str) -> None:
    async with driven(control) as (app, pilot):
        await press(pilot, view)
        await shows(pilot, f"{SERVICE}❯ name?")
        await press(pilot, "i")
        await until(pilot, lambda: typing(app))
        await shows(pilot, "every other key is the service's")
        await shows(pilot, f"{SERVICE}❯ name? ▏")
        await press(pilot, *"qi?:", "space", "tab", "escape", "ctrl+p", "ctrl+c", "up", "enter")
        await until(pilot, lambda: control.typed == b"qi?: \t\x1b\x10\x03\x1b[A\r")
        await shows(pilot, "name? qi?: [A")
        await press(pilot, "ctrl+right_square_bracket")
        await until(pilot, lambda: not typing(app))
        await press(pilot, "q")
        await shows(pilot, "Stop devgate?")
        assert control.typed == b"qi?: \t\x1b\x10\x03\x1b[A\r"


async def test_the_last_line_says_what_i_does_where_it_does_it(control: WithTerminal) -> None:
    async with driven(control) as (_, pilot):
        await shows(pilot, "i type")
        assert "i fault" not in screen_of(pilot.app)[-1]
        await press(pilot, "tab")
        await shows(pilot, "i fault")
        assert "i type" not in screen_of(pilot.app)[-1]
        await press(pilot, "i")
        await shows(pilot, "What goes wrong with")


async def test_without_a_terminal_there_is_nothing_to_type_into(control: WithTerminal) -> None:
    async with driven(control) as (app, pilot):
        await press(pilot, "j", "i")
        assert not typing(app)
        assert "❯" not in text_of(app)
        assert "What goes wrong" not in text_of(app)
        await press(pilot, "3", "i")
        assert not typing(app)


async def test_its_terminal_is_as_large_as_the_pane(control: WithTerminal) -> None:
    async with driven(control) as (app, pilot):
        await press(pilot, "3")
        await until(pilot, lambda: getattr(control, "size", ("", 0, 0))[1] > 100)
        name, columns, rows = control.size
        assert (name, columns) == (SERVICE, app.screen.log_pane.room)
        assert rows == app.screen.log_pane.size.height - 1
        await pilot.resize_terminal(100, 30)
        await until(pilot, lambda: control.size[1] == columns - 20)
        assert control.size[2] == rows - 10


async def test_a_refusal_is_said_and_ends_the_typing(control: WithTerminal) -> None:
    async with driven(control) as (app, pilot):
        await press(pilot, "3", "i")
        await until(pilot, lambda: typing(app))
        control.refuses = CommandError("it does not run", hint="start it first", code="no-terminal")
        await press(pilot, "x")
        await until(pilot, lambda: any("it does not run" in notice.message for notice in app._notifications))
        await until(pilot, lambda: not typing(app))


async def test_letters_arrive_in_the_order_of_typing(control: WithTerminal) -> None:
    text = "the quick brown fox jumps over the lazy dog"
    async with driven(control) as (app, pilot):
        await press(pilot, "3", "i")
        await until(pilot, lambda: typing(app))
        for char in text:
            await pilot.press("space" if char == " " else char)
        await until(pilot, lambda: control.typed == text.encode())
        await shows(pilot, text)


async def test_another_service_is_not_typed_into_by_the_way(control: WithTerminal) -> None:
    async with driven(control) as (app, pilot):
        await press(pilot, "3", "i")
        await until(pilot, lambda: typing(app))
        control.change_service(SERVICE, tty=False)
        await until(pilot, lambda: not typing(app))
        assert "❯" not in text_of(app)


async def test_a_merged_log_becomes_the_services_own(control: WithTerminal) -> None:
    async with driven(control) as (app, pilot):
        await press(pilot, "3", "t")
        await shows(pilot, "all services")
        assert "❯" not in text_of(app)
        await press(pilot, "i", "x")
        await shows(pilot, f"Log {SERVICE}")
        await asks(pilot, control, ("type", SERVICE, b"x"))


async def test_hostile_words_do_nothing(control: WithTerminal) -> None:
    control.unfinished = "[red]x[/red]\x1b[31mred\x1b[0m? "
    async with driven(control) as (app, pilot):
        await shows(pilot, "[red]x[/red]red?")
        assert "\x1b" not in text_of(app)
