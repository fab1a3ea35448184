"""The line below a log in which one types into the service: its unfinished line, and every key as its terminal would get it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len as cells
from textual.message import Message

from devgate.escape import visible
from devgate.tui.bindings import TYPING, of
from devgate.tui.command_runner import REFUSAL_S, told
from devgate.tui.keystrokes import keystroke, pasted
from devgate.tui.sgr import strip_sgr
from devgate.tui.widgets.line import Line, Part
from devgate.tui.work import start

if TYPE_CHECKING:
    from textual import events

    from devgate.tui.app import DevgateApp

ECHO_S: Final = 0.03
"""After a key the log is looked at this much later: until then the service's terminal has echoed it."""
_CURSOR: Final = "▏"


class Typewriter(Line, can_focus=True):
    """Seen while the service has something to type into; while it has the focus all keys but one are the service's."""

    BINDINGS = of(TYPING)
    DEFAULT_CSS = "Typewriter { display: none; } Typewriter.-on { display: block; }"
    app: DevgateApp

    class Typed(Message):
        """Something was typed, and may stand in the log by now."""

    class Left(Message):
        """No more is typed."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, gap=2)
        self._service = ""
        self._unfinished = ""
        self._pending = b""
        self._sending = False

    def offer(self, service: str) -> None:
        """Type into this service from now on; empty: there is nothing to type into."""
        if service != self._service:
            self._service, self._unfinished, self._pending = service, "", b""
            self.leave()
            self.set_class(bool(service), "-on")
            self._draw()

    def tell(self, unfinished: str) -> None:
        """What the service has written without a line end: a question, or the echo of what is typed."""
        if unfinished != self._unfinished:
            self._unfinished = unfinished
            self._draw()

    def leave(self) -> None:
        """Let go of the keys."""
        if self.has_focus:
            self.post_message(self.Left())

    def action_leave(self) -> None:
        self.leave()

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self._draw()

    def on_resize(self) -> None:
        super().on_resize()
        self._draw()

    def _draw(self) -> None:
        if not self._service:
            self.show([])
            return
        name, typing = f"{self._service}❯ ", self.has_focus
        text = strip_sgr(self._unfinished).expandtabs()
        while text and cells(text) > max(self.size.width - cells(name) - 16, 1):  # what is typed stands at the end
            text = text[1:]
        self.show([Part(((name, "key" if typing else "muted"), (text, "plain"), (_CURSOR if typing else "", "here")))])

    async def _on_key(self, event: events.Key) -> None:
        leaving = any(
            active.binding.id == "typing.leave"
            for key, active in self.screen.active_bindings.items()
            if key in event.aliases
        )
        if not leaving:
            event.stop()
            event.prevent_default()
            self._type(keystroke(event.key, event.character))

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self._type(pasted(event.text))

    def _type(self, data: bytes) -> None:
        self._pending += data
        if self._pending and not self._sending:
            self._sending = True
            start(self, self._send, "typing")

    async def _send(self) -> None:
        """One question at a time: letters arrive in the order in which they were typed."""
        try:
            while self._pending:
                data, self._pending = self._pending, b""
                await self.app.control.services.type_into(self._service, data)
                await asyncio.sleep(ECHO_S)
                self.post_message(self.Typed())
        except Exception as error:
            self._pending = b""
            refusal = told(error, f"type into {self._service}")
            text = f"{visible(refusal.message)}\n{visible(refusal.hint)}".strip()
            self.app.notify(text, title="Not typed", severity="error", timeout=REFUSAL_S, markup=False)
            self.leave()
        finally:
            self._sending = False
