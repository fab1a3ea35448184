"""The keys of every view that shows a log, and the field they open."""

from __future__ import annotations

from typing import Final

from textual import on

from devgate.policy.pattern import compile_pattern
from devgate.tui import rows
from devgate.tui.screens.live import LiveScreen
from devgate.tui.screens.log_feed import LogFeed
from devgate.tui.widgets.log_pane import LogPane
from devgate.tui.widgets.prompt import Prompt
from devgate.tui.widgets.typewriter import Typewriter

NARROWEST: Final = 20
"""Columns; a pane that is narrower does not make a terminal so."""


class LogKeys(LiveScreen):
    """A view with a log pane, its feed and its prompt. The view puts `log_pane`, `typewriter` and `prompt` into its body."""

    def __init__(self) -> None:
        super().__init__()
        self.log_pane = LogPane(id="log")
        self.prompt = Prompt(id="prompt")
        self.typewriter = Typewriter(id="typewriter")
        self._feed = LogFeed(self.log_pane)

    def open_log(self) -> None:
        """Show what is to be shown now: everything merged, or the selected service."""
        name = self.app.selected
        self._feed.open(() if self.app.merged or not name else (name,))
        service = self.service
        self.typewriter.offer(name if service is not None and service.tty and not self.app.merged else "")

    async def pull(self) -> None:
        await self._feed.pull(self.app.control)
        self.typewriter.tell(self._feed.unfinished)
        await self._fit()

    async def _fit(self) -> None:
        """Make the service's terminal as large as the pane that shows it."""
        service = self.service
        if service is None or not service.tty or self.app.merged:
            return
        width, height = self.log_pane.room, self.log_pane.size.height - 1
        if width < NARROWEST or height < 1:
            return
        if self.app.windows.get(service.name) != (width, height):
            self.app.windows[service.name] = width, height
            await self.app.control.services.resize(service.name, width, height)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "type":
            return self.service is not None and self.service.tty
        return super().check_action(action, parameters)

    def action_type(self) -> None:
        """Every key is the service's, until it is left."""
        if self.app.merged:
            self.action_merged()
        self.open_log()
        self.log_pane.action_follow()
        self.typewriter.focus()

    @on(Typewriter.Typed)
    def _echo(self) -> None:
        self.again()

    @on(Typewriter.Left)
    def _typed(self) -> None:
        self.log_pane.focus()

    def action_merged(self) -> None:
        self.app.merged = not self.app.merged
        self.again()

    def say_why(self) -> None:
        """Beside the log's title: why its service is not simply ready."""
        service = self.service
        self.log_pane.say(rows.why(service) if service is not None and not self.app.merged else ())

    def action_log(self, what: str, *arguments: int) -> None:
        if what == "search_all":
            if not self.app.merged:
                self.action_merged()
            what = "search"
        if what in ("search", "filter"):
            label = "/ in all services: " if self.app.merged else "/"
            self.prompt.ask(what, label if what == "search" else "only lines with ")
            return
        getattr(self.log_pane, f"action_{what}")(*arguments)

    @on(Prompt.Changed)
    def _look(self, event: Prompt.Changed) -> None:
        try:
            pattern = compile_pattern(event.text) if event.text else None
        except ValueError as error:
            self.prompt.refuse(str(error))
            return
        self.prompt.refuse("")
        if event.purpose == "search":
            self.log_pane.search(pattern)
        else:
            self.log_pane.filter(pattern)

    @on(Prompt.Closed)
    def _done(self) -> None:
        self.log_pane.focus()

    def on_text_selected(self) -> None:
        """Releasing the mouse copies what it selected."""
        if self.get_selected_text():
            self.log_pane.action_copy()

    @on(LogPane.CopyAsked)
    def _copy(self, event: LogPane.CopyAsked) -> None:
        self.app.leaving.copy(event.text, event.what)

    def action_open_log(self) -> None:
        """What the pane shows, in the pager, at the line that is seen; with times and names as on the screen."""
        pane = self.log_pane
        lines, top = pane.reader.written(merged=pane.merged), pane.top
        if not lines:
            self.notify("nothing is written yet", timeout=3)
        else:
            self.app.leaving.page(pane.title if not pane.merged else "all services", lines, top + 1)
