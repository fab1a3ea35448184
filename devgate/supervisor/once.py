"""A command that runs beside a service and is waited for: an exec probe, a stop command."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from devgate.supervisor import command
from devgate.supervisor.lines import LineDecoder, plain
from devgate.supervisor.refusal import CannotStartError
from devgate.supervisor.spawn import Child

if TYPE_CHECKING:
    from devgate.supervisor.launch import Launch


async def run_once(text: str | tuple[str, ...], beside: Launch, timeout_s: float) -> tuple[int | None, str]:
    """Run a command in the folder and environment of a service.

    Returns:
        Its exit code, None if it took longer than `timeout_s` and was ended; and the last line it wrote, or why it could not run.
    """
    ended = asyncio.Event()
    decoder = LineDecoder()
    last = ""

    def heard(_: Literal["out", "err"], chunk: bytes) -> None:
        nonlocal last
        for line in decoder.feed(chunk):
            last = plain(line).strip() or last

    launch = replace(beside, argv=tuple(command.argv(text)), port=None, window=None)
    try:
        child = Child(launch, mark="", on_output=heard, on_exit=lambda _code: ended.set())
    except CannotStartError as refusal:
        return 127, refusal.message
    try:
        async with asyncio.timeout(timeout_s):
            await ended.wait()
    except TimeoutError:
        return None, last
    finally:
        child.kill()
        try:
            if child.code is None:  # a matter of milliseconds
                await _gone(ended)
        finally:
            child.release()
    rest = decoder.flush()
    return child.code, plain(rest[-1]).strip() or last if rest else last


async def _gone(ended: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(1.0):
            await ended.wait()
    except TimeoutError:
        pass
