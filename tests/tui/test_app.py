"""The application: quitting, keys of one's own, the palette, themes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from textual.command import CommandList, CommandPalette
from textual.worker import WorkerFailed

from devgate.model.status import ServiceState
from devgate.tui.app import DevgateApp
from tests.tui.driving import asks, driven, news, press, screen_of, settle, shows, steady, text_of, until
from tests.tui.fake_control import FakeControl, log_lines, sample, service

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("from_both_sides")


async def test_quitting_names_what_stops_and_asks():
    control = FakeControl(sample())
    async with driven(control, (100, 30)) as (app, pilot):
        await press(pilot, "q")
        text = text_of(app)
        assert "notify-server" in text
        assert "search-service runs elsewhere and will go on" in text
        await press(pilot, "escape", "q", "q", "q", "n")
        assert control.asked == []
        await press(pilot, "ctrl+c", "ctrl+c")
        await asks(pilot, control, ("request_stop", "screen"))


async def test_with_nothing_to_lose_there_is_no_question():
    control = FakeControl(sample())
    control.change(services=(service("web", state=ServiceState.STOPPED, pid=None),))
    async with driven(control) as (_, pilot):
        await press(pilot, "q")
        await asks(pilot, control, ("request_stop", "screen"))


async def test_asked_again_while_it_stops_nothing_is_waited_for():
    control = FakeControl(sample())
    control.change(stopping=True)
    async with driven(control) as (_app, pilot):
        await shows(pilot, "stopping")
        await press(pilot, "ctrl+c")
        await asks(pilot, control, ("request_stop", "screen", "now"))


async def test_the_screen_leaves_with_the_last_service():
    control = FakeControl(sample())
    async with driven(control) as (app, pilot):
        control.change(stopping=True)
        await news(pilot, control)
        assert app.return_code is None
        control.change(services=tuple(service(row.name, state=ServiceState.STOPPED) for row in control.now.services))
        await until(pilot, lambda: app.return_code == 0)


async def test_keys_of_ones_own(tmp_path: Path):
    keys = tmp_path / "keys.toml"
    keys.write_text('service.restart = "ctrl+r"\nservice.explode = "e"\n')
    control = FakeControl(sample())
    async with driven(control, keymap=keys) as (app, pilot):
        (notice,) = app._notifications
        assert "no key called service.explode" in notice.message
        await press(pilot, "r")
        assert control.asked == []
        await press(pilot, "ctrl+r")
        await asks(pilot, control, ("restart", "fechatter-server"))
        await shows(pilot, "^r restart")


async def test_the_palette_finds_a_command_for_a_service():
    control = FakeControl(sample())
    async with driven(control) as (app, pilot):
        await press(pilot, "colon")
        await press(pilot, *"start bot")
        await until(pilot, lambda: "Start bot-server" in text_of(app))
        await press(pilot, "enter")
        await asks(pilot, control, ("start", "bot-server"))


async def test_a_palette_that_is_closed_while_it_searches_costs_nothing():
    """It looks for its list when its turn has come, and that may be gone."""
    async with driven(FakeControl(sample())) as (app, pilot):
        await press(pilot, "colon")
        palette = app.screen
        assert isinstance(palette, CommandPalette)
        await until(pilot, lambda: palette.query_one(CommandList).option_count > 0)
        await settle(pilot)
        await palette.query_one(CommandList).remove()
        with pytest.raises(WorkerFailed):
            await palette._gather_commands("x").wait()
        palette.dismiss()
        await press(pilot, "j")
        assert app.selected == "notify-server"


async def test_the_palette_stops_a_service_with_what_needs_it():
    control = FakeControl(sample())
    control.change_service("fechatter-server", dependents=("bot-server",))
    async with driven(control) as (app, pilot):
        await press(pilot, "colon")
        await press(pilot, *"stop dep")
        await until(pilot, lambda: "Stop dependents and fechatter-server" in text_of(app))
        await press(pilot, "enter")
        await asks(pilot, control, ("stop", "fechatter-server", "dependents"))


async def test_every_view_has_its_number_and_shares_the_selection():
    async with driven(FakeControl(sample())) as (app, pilot):
        await press(pilot, "j", "j", "4")
        assert app.selected == "analytics-server"
        await shows(pilot, "4 health")
        await press(pilot, "k", "1")
        assert app.selected == "notify-server"


@pytest.mark.parametrize("theme", ["devgate-dark", "devgate-light", "devgate-blue-orange", "nord", "no-such-theme"])
async def test_themes(theme: str):
    async with driven(FakeControl(sample()), theme=theme) as (app, pilot):
        assert app.theme == (theme if theme != "no-such-theme" else "devgate-dark")
        await shows(pilot, "fechatter-server")


async def test_copying_a_selection_with_ctrl_c_does_not_quit():
    control = FakeControl(sample(), log_lines())
    async with driven(control) as (app, pilot):
        await press(pilot, "3")
        await pilot.mouse_down("#log", offset=(12, 3))
        await pilot.hover("#log", offset=(30, 3))
        await pilot.mouse_up("#log", offset=(30, 3))
        await settle(pilot)
        copied = app.clipboard
        assert copied
        await press(pilot, "ctrl+c")
        assert "Stop devgate?" not in text_of(app)
        await press(pilot, "ctrl+c")
        await shows(pilot, "Stop devgate?")


async def test_detaching_leaves_only_where_devgate_runs_elsewhere():
    async with driven(FakeControl(sample())) as (app, pilot):
        await press(pilot, "d")
        assert app.return_code is None
    async with driven(FakeControl(sample()), attached=True) as (app, pilot):
        await pilot.press("d")
        await pilot.pause()
        assert app.return_code == 0


async def test_the_help_begins_with_the_keys_of_where_it_was_asked_for_and_folds_long_sentences():
    async with driven(FakeControl(sample()), (80, 24)) as (app, pilot):
        await press(pilot, "2", "question_mark")
        await shows(pilot, "In the traffic view")
        text = text_of(app)
        assert "Everywhere" not in text
        assert "…" not in "".join(line for line in screen_of(app) if "│" in line)


async def test_the_help_names_the_file_that_moves_keys(tmp_path: Path):
    async with driven(FakeControl(sample()), keymap=tmp_path / "keys.toml") as (_, pilot):
        await press(pilot, "question_mark")
        await shows(pilot, "moved by id in ")


async def test_a_key_that_runs_into_a_bug_costs_what_it_would_have_done(caplog: pytest.LogCaptureFixture):
    control = FakeControl(sample())
    async with driven(control) as (app, pilot):

        def broken() -> None:
            raise KeyError("[bold]")

        app.action_help = broken  # type: ignore[method-assign]
        await press(pilot, "question_mark")
        await until(pilot, lambda: bool(app._notifications))
        (notice,) = app._notifications
        assert "KeyError('[bold]')" in notice.message
        await press(pilot, "3")
        await shows(pilot, "3 logs")
    assert "the action help failed" in caplog.text
    caplog.clear()


async def test_the_palette_offers_what_would_do_something_and_each_thing_once():
    async with driven(FakeControl(sample())) as (app, _):
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert "Restart" in titles
        assert not {"Adopt", "Take port", "Start", "Detach", "Palette"} & set(titles)  # of a ready service, here
        assert len(titles) == len(set(titles))
        assert [title for title in titles if title.startswith("Hold open")] == [
            "Hold open the breaker of fechatter-server"
        ]


async def test_the_help_folds_anew_when_the_terminal_is_resized_under_it():
    async with driven(FakeControl(sample()), (120, 40)) as (app, pilot):
        await press(pilot, "question_mark")
        await shows(pilot, "overview.open")
        for size in ((60, 15), (80, 24)):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda: "overview.open" not in text_of(app))
            await steady(pilot)
            assert "…" not in "".join(line.partition("│")[2] for line in screen_of(app) if "│" in line)
            assert all("│" not in line or line.count("│") == 2 for line in screen_of(app))
        await pilot.resize_terminal(120, 40)
        await shows(pilot, "overview.open")


async def test_the_tasks_of_all_others_begin_as_they_always_do(monkeypatch: pytest.MonkeyPatch):
    """Python 3.12 has the factory that Textual would give the whole loop; here an older one is made to have it."""

    def eager(loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **more: Any) -> asyncio.Task[Any]:
        return asyncio.Task(coro, loop=loop, **more)

    monkeypatch.setattr(asyncio, "eager_task_factory", eager, raising=False)
    loop = asyncio.get_running_loop()
    found: list[object] = []

    def painted() -> None:
        found.append(loop.get_task_factory())
        app.exit()

    app = DevgateApp(FakeControl(sample()), ready=painted)
    await app.run_async(headless=True, size=(80, 24))
    assert found == [None]
    assert loop.get_task_factory() is None
