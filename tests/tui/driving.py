"""Driving an app in a test: pressing keys, reading what stands on the screen, here or over the control API."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from textual.worker import WorkerCancelled

from devgate.tui.app import DevgateApp
from tests.admin.running import serving
from tests.deadline import DEADLINE_S
from tests.remote.reaching import remote_to

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from textual.app import App
    from textual.pilot import Pilot

    from devgate.control import Control
    from tests.tui.fake_control import FakeControl


def screen_of(app: App[None]) -> list[str]:
    """What stands on the screen, line by line, without colours."""
    return [strip.text for strip in app.screen._compositor.render_strips()]


def text_of(app: App[None]) -> str:
    return "\n".join(screen_of(app))


async def settle(pilot: Pilot[None]) -> None:
    """Wait for what was asked of `Control` and for what it changed to be drawn."""
    for _ in range(2):
        for worker in [worker for worker in pilot.app.workers if worker.group != "live"]:
            try:
                await worker.wait()
            except WorkerCancelled:
                pass  # another one has taken its place
        await pilot.pause()


async def until(pilot: Pilot[None], true: Callable[[], bool]) -> None:
    """Wait for something that Textual does in its own time."""
    async with asyncio.timeout(DEADLINE_S):
        while not true():
            await pilot.pause(0.01)


async def steady(pilot: Pilot[None]) -> None:
    """Wait until two looks, a few frames apart, see the same: scroll bars come a layout after what made them necessary."""
    before = ""
    async with asyncio.timeout(DEADLINE_S):
        while (now := text_of(pilot.app)) != before:
            before = now
            await pilot.pause(0.06)


async def shows(pilot: Pilot[None], text: str) -> None:
    """Wait until `text` stands on the screen: layouts and dialogs come a few turns after what asked for them."""
    try:
        await until(pilot, lambda: text in text_of(pilot.app))
    except TimeoutError:
        raise AssertionError(f"{text!r} is not on the screen:\n{text_of(pilot.app)}") from None


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
    await settle(pilot)


async def asks(pilot: Pilot[None], control: FakeControl, *what: tuple[Any, ...]) -> None:
    """Wait until `control` has been asked for this and nothing else."""
    try:
        await until(pilot, lambda: control.asked == [*what])
    except TimeoutError:
        raise AssertionError(f"asked for {control.asked}, not for {[*what]}") from None


async def news(pilot: Pilot[None], control: Control) -> None:
    """Let the screen draw what has just changed in `control`, however far from it that is."""
    await until(pilot, lambda: pilot.app.control.seq == control.seq)
    pilot.app.live.tick()
    await settle(pilot)


@asynccontextmanager
async def here(control: Control) -> AsyncIterator[Control]:
    yield control


@asynccontextmanager
async def over_the_api(control: Control) -> AsyncIterator[Control]:
    """`control` as `devgate attach` sees it: served by the real control API, asked over a real connection."""
    async with serving(control) as api, remote_to(api.api.url) as remote:
        yield remote


reach: Callable[[Control], AbstractAsyncContextManager[Control]] = here
"""How `driven` gets at what it shows; set by the fixture `from_both_sides`."""


@asynccontextmanager
async def driven(
    control: Control, size: tuple[int, int] = (120, 40), **options: Any
) -> AsyncIterator[tuple[DevgateApp, Pilot[None]]]:
    """An app over `control`, drawn once."""
    async with reach(control) as reached:
        app = DevgateApp(reached, **options)
        async with app.run_test(size=size) as pilot:
            await settle(pilot)
            yield app, pilot
