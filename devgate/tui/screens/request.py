"""One request with all that is known of it, so far if it is under way. When it has ended it can be copied, saved, sent again,
changed and sent, compared with another."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from textual.containers import Horizontal

from devgate.errors import CommandError, DevgateError
from devgate.escape import visible
from devgate.inspection.curl import curl
from devgate.inspection.draft import text_of
from devgate.tui import archive, programs
from devgate.tui.bindings import BACK, REQUEST, of
from devgate.tui.dialogs import TEXT, Question
from devgate.tui.outside import take_over
from devgate.tui.request_layout import lay_out
from devgate.tui.requests import row
from devgate.tui.screens.live import LiveScreen
from devgate.tui.widgets.line import Line, Part
from devgate.tui.widgets.live_table import LiveTable
from devgate.tui.work import start

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from textual import events
    from textual.widget import Widget

    from devgate.model.detail import RequestDetail
    from devgate.model.query import LogLine, RequestName
    from devgate.model.snapshot import Snapshot

TWO_COLUMNS: Final = 120
"""Cells from which the way of a request and its content stand side by side."""
LINES: Final = 200
"""Lines of a service's log that are shown with a request."""
_MARGIN: Final = 3
_BEFORE_S: Final = 0.05
_AFTER_S: Final = 0.25
AGAIN_S: Final = 1.0
"""How often one that is under way is asked for again."""
_OF_ENDED: Final = frozenset({"edit", "pin", "replay", "save"})
"""What can be done with it only when it has ended."""
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass
class Pin:
    """What others are compared with; the list keeps it while requests come and go."""

    detail: RequestDetail | None = None


class Request(LiveScreen):
    """Shows one request of a list.

    Args:
        names: of the requests that were in view, newest first.
        name: of the one to begin with.
        pin: what is pinned, and will be.
    """

    view = "request"
    on_services = False
    BINDINGS = of(REQUEST, BACK)

    def __init__(self, names: Sequence[RequestName], name: RequestName, pin: Pin) -> None:
        super().__init__()
        self._names = list(names)
        self._wanted = name
        self._pin = pin
        self._comparing = False
        self._shown: RequestName | None = None
        """What `_detail` is of."""
        self._asked_at = 0.0
        """Monotonic seconds."""
        self._detail: RequestDetail | None = None
        self._lines: Sequence[LogLine] = ()
        self._title = Line(id="request-title")
        self._way = LiveTable(TEXT, id="way", cursor=False, heading=False)
        self._content = LiveTable(TEXT, id="content", cursor=False, heading=False, empty="fetching it")
        self._home = False
        """Whether what is laid out next is to be read from its beginning."""
        self._heads: Sequence[int] = ()
        """Lines of `_content` where a part begins."""

    def body(self) -> Iterable[Widget]:
        yield self._title
        yield Horizontal(self._way, self._content, id="request")

    def on_mount(self) -> None:
        super().on_mount()
        self._content.focus()

    def show(self, snapshot: Snapshot) -> None:
        """What the snapshot tells changes nothing here; one that is under way is pulled."""

    async def pull(self) -> None:
        """Fetch what is to be shown and is not yet here: once, or again and again until it has ended."""
        name, now = self._wanted, asyncio.get_running_loop().time()
        if name == self._shown and (self._ended or now < self._asked_at + AGAIN_S):
            return
        self._asked_at = now
        try:
            detail = await self.app.control.gateway.request(name)
        except DevgateError as error:
            self._title.show([Part(((error.message, "bad"),))])
            raise
        if name != self._wanted:
            return
        if detail.row.state == "done" and name in self._names:  # it has a number by now
            self._names[self._names.index(name)] = self._wanted = detail.row.seq
        is_new = name != self._shown
        if is_new:
            self._home, self._lines = True, ()
        had_ended = self._ended is not None
        self._shown, self._detail = self._wanted, detail
        if had_ended is not (self._ended is not None):
            self.refresh_bindings()
        self._lay_out()
        if is_new or detail.row.kind == "http":  # a stream is open for hours, and not what the service works on
            start(self, partial(self._add_lines, detail), "lines", exclusive=True)

    @property
    def _ended(self) -> RequestDetail | None:
        """What is shown, if all of it is known."""
        return self._detail if self._detail is not None and self._detail.row.state == "done" else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self._detail is self._ended if action in _OF_ENDED else super().check_action(action, parameters)

    async def _add_lines(self, detail: RequestDetail) -> None:
        """What the service wrote while it worked on the request."""
        request = detail.row
        if not request.service:
            return
        try:
            part = await self.app.control.services.logs([request.service], limit=5_000)
        except DevgateError:
            return
        end = request.at + request.duration_ms / 1000 + _AFTER_S
        lines = [line for line in part.lines if request.at - _BEFORE_S <= line.at <= end and line.stream != "mark"]
        if lines and self._detail is detail:
            self._lines = lines[:LINES]
            self._lay_out()

    # --- drawing -------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        if self._detail is not None:
            start(self, partial(self._write, self._detail), "text", exclusive=True)

    async def _write(self, detail: RequestDetail) -> None:
        """In a thread, as long bodies take some milliseconds; whoever asks for it anew is the one who is answered."""
        other = self._pin.detail if self._comparing else None
        wide = self.size.width >= TWO_COLUMNS and other is None
        width = (self.size.width // 2 if wide else self.size.width) - _MARGIN
        text = await asyncio.to_thread(lay_out, detail, other, self._lines, width, wide=wide)
        self.set_class(wide, "-two")
        self._way.show(text.way)
        self._content.show(text.content)
        self._heads = text.heads
        if self._home:
            self._home = False
            self._content.scroll_home(animate=False)
        self._say(detail, other)

    def _say(self, detail: RequestDetail, other: RequestDetail | None) -> None:
        place = self._names.index(self._wanted) + 1 if self._wanted in self._names else 0
        status = row(detail.row).cells["status"][0]
        number = (str(detail.row.seq), "title") if detail.row.seq else ("under way", "info")
        self._title.show(
            [
                Part((("Request ", "heading"), number)),
                Part((status, ("  ", "plain"), (detail.row.method, "strong"), (f" {detail.row.path}", "plain"))),
                *([Part(((f"against request {other.row.seq}", "warn"),))] if other is not None else []),
                Part(((f"{place:,} of {len(self._names):,}", "muted"),), drop=1, right=True),
            ]
        )

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self._lay_out()

    # --- moving --------------------------------------------------------------------------------------------------

    def action_other(self, by: int) -> None:
        """The next older request of the list, or the next newer."""
        if self._wanted in self._names:
            at = self._names.index(self._wanted) + by
            if 0 <= at < len(self._names):
                self._go(self._names[at])

    def action_part(self, by: int) -> None:
        """To the next part; with two columns, to the other one."""
        if self.has_class("-two"):
            (self._content if self._way.has_focus else self._way).focus()
            return
        here = round(self._content.scroll_y)
        heads = self._heads if by > 0 else self._heads[::-1]
        to = next((head for head in heads if (head - here) * by > 0), heads[0] if heads else 0)
        self._content.scroll_to(y=to, animate=False, force=True)

    def _go(self, name: RequestName) -> None:
        self._wanted = name
        self.again()

    def action_back(self) -> None:
        """Stop comparing, then leave."""
        if self._comparing:
            self.action_compare()
        else:
            self.dismiss()

    # --- comparing -----------------------------------------------------------------------------------------------

    def action_pin(self) -> None:
        if (detail := self._ended) is not None:
            self._pin.detail = detail
            self.notify(f"request {detail.row.seq} is pinned; = compares another one with it", timeout=4)

    def action_compare(self) -> None:
        """With the pinned one, or no longer."""
        if not self._comparing and self._pin.detail is None:
            self.notify("Nothing is pinned yet: space pins a request.", severity="warning")
            return
        self._comparing = not self._comparing
        self._home = True
        self._lay_out()
        self._content.focus()

    # --- leaving -------------------------------------------------------------------------------------------------

    def action_copy(self) -> None:
        if self._detail is not None:
            self.app.leaving.copy(curl(self._detail), "as curl, with secrets masked")

    def action_copy_answer(self) -> None:
        detail = self._detail
        if detail is None:
            return
        if detail.response_body.text:
            self.app.leaving.copy(detail.response_body.text, "the answer's body, with secrets masked")
        else:
            self.notify("The answer has no text.", severity="warning")

    def action_save(self) -> None:
        """Into the folder that the screen was started in."""
        if (detail := self._ended) is not None:
            file = Path.cwd() / archive.name_for(detail)
            try:
                archive.save(file, [detail])
            except DevgateError as error:
                self._complain(error)
            else:
                self.notify(f"saved as {file}", timeout=6, markup=False)

    # --- sending again -------------------------------------------------------------------------------------------

    def action_replay(self) -> None:
        if (detail := self._ended) is not None:
            self._ask(detail, detail.row.method, partial(self._send, detail, None))

    def action_edit(self) -> None:
        if (detail := self._ended) is not None:
            start(self, partial(self._safely, partial(self._edit, detail)), "send", exclusive=True)

    def _ask(self, detail: RequestDetail, method: str, work: Callable[[], Awaitable[None]]) -> None:
        """At once for what changes nothing; anything else may do twice what was meant once."""

        def go(agreed: bool | None) -> None:
            if agreed:
                start(self, partial(self._safely, work), "send", exclusive=True)

        if method in _SAFE:
            go(True)
            return
        lines = [((f"{method} {detail.row.path}", "strong"),), (("It will have its effects once more.", "plain"),)]
        self.app.push_screen(Question("Send this request again?", lines, yes="send"), go)

    async def _edit(self, detail: RequestDetail) -> None:
        command = programs.editor()
        if not command:
            raise CommandError("there is no editor here", hint="$EDITOR says what to use")
        before = text_of(detail)
        with tempfile.TemporaryDirectory(prefix="devgate-") as folder:
            file = Path(folder) / "request.http"
            file.write_text(before, "utf-8", errors="replace")
            await take_over(self.app, programs.at(command, str(file), 0))
            text = file.read_text("utf-8", errors="replace")
        if text.strip() and text != before:
            self._ask(detail, text.split(maxsplit=1)[0], partial(self._send, detail, text))
        else:
            self.notify("nothing was changed, so nothing is sent")

    async def _send(self, detail: RequestDetail, text: str | None) -> None:
        sent = await self.app.control.gateway.replay(detail.row.seq, text)
        said = f"answered with {sent.status}" if sent.status else "no answer"
        self.notify(f"sent again: {said}", timeout=4, markup=False)
        if sent.seq and self._detail is detail:
            if sent.seq not in self._names:
                self._names.insert(0, sent.seq)
            self._go(sent.seq)

    async def _safely(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except DevgateError as error:
            self._complain(error)

    def _complain(self, error: DevgateError) -> None:
        said = visible(error.message) + (f"\n{visible(error.hint)}" if error.hint else "")
        self.notify(said, severity="error", markup=False)
