"""The one way in: the screen from its first paint to the terminal being as it was."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING

from devgate.tui.app import DevgateApp
from devgate.tui.quiet import held_back

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from devgate.control import Control

log = logging.getLogger(__name__)


async def run_screen(
    control: Control,
    *,
    keymap: Path | None = None,
    theme: str = "",
    ascii_only: bool | None = None,
    ready: Callable[[], None] | None = None,
    attached: bool = False,
    notes: Sequence[str] = (),
) -> int:
    """Show the screen until devgate has stopped, or until this is cancelled.

    Quitting from the screen calls `control.request_stop` and goes on showing what is still alive: run it beside whatever does the
    stopping, and cancel it last. It raises nothing but `CancelledError`; the terminal is restored in every case, and what was
    logged meanwhile is repeated on stderr.

    Args:
        keymap: a TOML file with keys of one's own; it need not exist.
        theme: name of a theme; empty: dark, or none under NO_COLOR.
        ascii_only: whether to draw with ASCII alone; None: as the terminal's encoding says.
        ready: called after the first paint, and after the first one of each other view, which is built only then.
        attached: devgate runs in another process, and `d` leaves it alone.
        notes: what was said on stderr before, and is shown once more where it can be seen.

    Returns:
        0, or 1 if the screen itself failed; the gateway is none the worse for it.
    """
    if ascii_only is None:
        ascii_only = not (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    with held_back():
        try:
            app = DevgateApp(
                control,
                keymap=keymap,
                theme=theme,
                ascii_only=ascii_only,
                ready=ready,
                attached=attached,
                notes=notes,
            )
            await app.run_async()
        except Exception:
            log.exception("the screen failed")
            return 1
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError  # which Textual keeps to itself
    return app.return_code or 0
