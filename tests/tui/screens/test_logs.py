"""One log with the whole screen: going from service to service, searching, filtering."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devgate.errors import CommandError
from tests.tui.driving import driven, press, screen_of, settle, shows, until
from tests.tui.fake_control import FakeControl, log_lines, sample

if TYPE_CHECKING:
    from devgate.model.query import LogSlice

pytestmark = pytest.mark.usefixtures("from_both_sides")


def control() -> FakeControl:
    return FakeControl(sample(), [*log_lines(count=60), *log_lines("notify-server", count=5, start=100)])


async def test_tab_goes_from_service_to_service():
    async with driven(control()) as (app, pilot):
        await press(pilot, "3")
        await shows(pilot, "Log fechatter-server")
        await press(pilot, "tab")
        await shows(pilot, "Log notify-server")
        assert app.selected == "notify-server"
        await press(pilot, "shift+tab", "shift+tab")
        await shows(pilot, "Log migrate")


async def test_searching_is_seen_while_it_is_typed_and_stays():
    async with driven(control()) as (app, pilot):
        await press(pilot, "3", "slash", *"took=412")
        await shows(pilot, "/took=412")
        await press(pilot, "enter")
        await until(pilot, lambda: app.focused is not None and app.focused.id == "log")
        await press(pilot, "n")  # from the end to the first match, where nothing is followed
        await shows(pilot, "paused")
        await press(pilot, "slash", "escape")
        assert "/took" not in screen_of(app)[1]


async def test_an_expression_that_is_none_is_refused_where_it_is_typed():
    async with driven(control()) as (_app, pilot):
        await press(pilot, "3", "slash", *"(a+)+x")
        await shows(pilot, "could match for ever")
        await press(pilot, *["backspace"] * 6, "escape")


async def test_filtering_and_levels():
    async with driven(control()) as (app, pilot):
        await press(pilot, "3", "f", *"upload", "enter")
        await shows(pilot, "only upload")
        assert not any("listed chats" in line for line in screen_of(app))
        await press(pilot, "f", "escape", "F", "F", "F")
        await shows(pilot, "errors")
        await press(pilot, "F")
        await shows(pilot, "listed chats")


async def test_errors_are_jumped_to_and_lines_copied():
    async with driven(control()) as (app, pilot):
        await press(pilot, "3", "E", "y")
        assert app.clipboard == "ERROR chat::files: upload failed: no space left on device (os error 28)"
        await press(pilot, "Y", "w", "w", "g", "G")
        assert app.clipboard.count("\n") == 58


async def test_new_lines_arrive():
    shown = control()
    async with driven(shown) as (app, pilot):
        await press(pilot, "3")
        shown.lines += log_lines(count=2, start=500)
        app.live.again()
        await settle(pilot)
        await shows(pilot, "message stored")


async def test_a_service_whose_log_is_gone_is_no_failure():
    class Gone(FakeControl):
        async def logs(self, *_: object, **__: object) -> LogSlice:
            raise CommandError("no such service")

    async with driven(Gone(sample())) as (_app, pilot):
        await press(pilot, "3")
        await shows(pilot, "nothing here yet")
