"""What leaves the screen: text to the clipboard, a log to a pager, a file to an editor, an address to a browser."""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from devgate.errors import CommandError, DevgateError
from devgate.escape import visible, visible_coloured, without_colour
from devgate.tui import format as fmt
from devgate.tui import programs
from devgate.tui.outside import feed, take_over
from devgate.tui.work import start

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from textual.app import App

TERMINAL_TAKES: Final = 74_000
"""Bytes that xterm takes in one OSC 52 after encoding, which others have copied; some take more."""


class Leaving:
    """The app's ways out. Each says what it has done, or why not."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app

    def copy(self, text: str, what: str) -> None:
        """Put text on the clipboard: through the terminal, which works over ssh, and through a program where there is one."""
        self._app.copy_to_clipboard(text)
        start(self._app, partial(self._copied, text, what), "clipboard")

    async def _copied(self, text: str, what: str) -> None:
        command = programs.clipboard()
        said = f"copied {what}"
        if command and await feed(command, text):
            self._app.notify(f"{said} with {command[0]}", timeout=3, markup=False)
        elif len(text) * 4 // 3 > TERMINAL_TAKES:
            said += f" through the terminal, which may take less than these {fmt.size(len(text))}"
            self._app.notify(said, severity="warning", timeout=6, markup=False)
        else:
            self._app.notify(f"{said} through the terminal", timeout=3, markup=False)

    def page(self, title: str, lines: Sequence[str], line: int) -> None:
        """Show text in the pager, beginning at a line (from 1)."""
        start(self._app, partial(self._safely, partial(self._page, title, lines, line)), "outside", exclusive=True)

    async def _page(self, title: str, lines: Sequence[str], line: int) -> None:
        command = programs.pager()
        if not command:
            raise CommandError("there is no pager here", hint="$PAGER says what to use")
        coloured = programs.shows_colour(command)
        show = visible_coloured if coloured else lambda text: visible(without_colour(text))
        with tempfile.TemporaryDirectory(prefix="devgate-") as folder:
            file = Path(folder) / f"{title}.log"
            file.write_text("\n".join(map(show, lines)) + "\n", "utf-8", errors="replace")
            await take_over(self._app, programs.at([*command, *(["-R"] if coloured else [])], str(file), line))

    def edit(self, file: str, line: int, column: int, then: Callable[[], object]) -> None:
        """Open a file in the editor at a place, `line` 0: at its beginning; `then` is called once that is left."""
        start(
            self._app, partial(self._safely, partial(self._edit, file, line, column, then)), "outside", exclusive=True
        )

    async def _edit(self, file: str, line: int, column: int, then: Callable[[], object]) -> None:
        command = programs.editor()
        if not command:
            raise CommandError("there is no editor here", hint="$EDITOR says what to use")
        if not os.path.isfile(file):
            raise CommandError(f"{file} is not on this machine")
        await take_over(self._app, programs.at(command, file, line, column))
        then()

    def browse(self, url: str) -> None:
        """Open an address in the user's browser; where there is none, as over ssh, copy it."""
        start(self._app, partial(self._browse, url), "outside")

    async def _browse(self, url: str) -> None:
        command = programs.browser()
        if command and await feed([*command, url], ""):
            self._app.notify(f"opened {visible(url)}", timeout=3, markup=False)
        else:
            self.copy(url, visible(url))

    async def _safely(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except DevgateError as error:
            said = visible(error.message) + (f"\n{visible(error.hint)}" if error.hint else "")
            self._app.notify(said, severity="error", markup=False)
