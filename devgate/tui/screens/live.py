"""The base of every view: the lines around it, the pull, and what to do when there is no room."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.actions import SkipAction
from textual.screen import Screen
from textual.widgets import Input

from devgate.errors import DevgateError
from devgate.model.status import FAILED
from devgate.tui import format as fmt
from devgate.tui import header, key_line, rows
from devgate.tui.widgets.line import Line, Part
from devgate.tui.widgets.live_table import LiveTable
from devgate.tui.widgets.typewriter import Typewriter
from devgate.tui.work import start

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import Binding
    from textual.widget import Widget

    from devgate.model.snapshot import ServiceRow, Snapshot
    from devgate.tui.app import DevgateApp

log = logging.getLogger(__name__)

TICK_S: Final = 0.25
STAGGER_S: Final = 0.06
"""What is pulled is drawn this long after the tables of the same tick, so that requests get their turn in between."""
NARROW: Final = 100
LEAST: Final = (60, 15)
_PALETTE: Final = "--command-palette"
"""Textual's name for its palette."""


class LiveScreen(Screen[None]):
    """Shows the snapshot while it is the screen that is seen.

    A view says what stands between header and keys (`body`), shows a snapshot (`show`) and may pull more (`pull`).
    """

    view: ClassVar[str] = ""
    on_services: ClassVar[bool] = True
    """Whether a selected service is in view, so that commands for it make sense."""
    app: DevgateApp

    def __init__(self) -> None:
        super().__init__()
        self.snapshot: Snapshot | None = None
        self._seen = -1
        self._fits: object = None
        self._pulling = False
        self._pull_again = False
        self._header = Line(id="header")
        self._banner = Line(id="banner")
        self._event = Line(id="event")
        self._keys = Line(id="keys", gap=2)
        self._small = Line(id="small")

    def compose(self) -> ComposeResult:
        yield self._header
        yield self._banner
        yield from self.body()
        yield self._event
        yield self._keys
        yield self._small

    def body(self) -> Iterable[Widget]:
        raise NotImplementedError

    def show(self, snapshot: Snapshot) -> None:
        """Draw what is new."""
        raise NotImplementedError

    async def pull(self) -> None:
        """Fetch what is not in the snapshot; called at every tick, never twice at once."""

    @property
    def selected(self) -> str:
        """The service that commands are for."""
        return self.app.selected

    @property
    def service(self) -> ServiceRow | None:
        name = self.selected
        services = self.snapshot.services if self.snapshot is not None else ()
        return next((row for row in services if row.name == name), None)

    # --- the tick ------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self.bindings_updated_signal.subscribe(self, lambda _: self._show_keys())
        self._small.show([Part(((f"devgate needs {LEAST[0]}x{LEAST[1]} cells; make the window larger", "warn"),))])
        start(self, self._live, "live")

    def on_screen_resume(self) -> None:
        self.entered()
        self.again()
        self._show_keys()

    def on_screen_suspend(self) -> None:
        self._show_keys()

    def entered(self) -> None:
        """The view has just come into sight again."""

    async def _live(self) -> None:
        """One loop instead of a timer and a worker for each pull: a fifth of the cost while nothing happens."""
        while True:
            rest_s = TICK_S
            if self.is_current:
                if self.tick_safely():
                    await asyncio.sleep(STAGGER_S)
                    rest_s -= STAGGER_S
                await self._pull_once()
            await asyncio.sleep(rest_s)

    async def _pull_once(self) -> None:
        if (
            self._pulling
        ):  # a slow remote gets one question at a time; what was selected meanwhile is asked for right after
            self._pull_again = True
            return
        self._pulling = self._pull_again = True
        try:
            while self._pull_again:
                self._pull_again = False
                await self.pull()
        except DevgateError as error:
            # Gone with the last switch, or a remote that does not answer: the next tick asks again.
            log.debug("%s: %s", self.view, error.message)
        except Exception:
            log.exception("the %s view could not fetch", self.view)
        finally:
            self._pulling = False

    def tick_safely(self) -> bool:
        """A bug in drawing is reported and costs this view its news, not the gateway its screen."""
        try:
            return self.tick()
        except Exception as error:
            log.exception("the %s view could not be drawn", self.view)
            self._header.show(
                [Part(((f"this view failed: {error!r}; the details are printed when the screen ends", "bad"),))]
            )
            return True

    def tick(self) -> bool:
        """Show what is new; nothing is drawn unless `control.seq` has moved, and that is said."""
        control = self.app.control
        try:
            if control.seq == self._seen:
                return False
            self._seen = control.seq
            self.snapshot = control.snapshot()
            self._show_frame(self.snapshot)
            self.show(self.snapshot)
        except DevgateError as error:  # a remote devgate that does not answer; the next tick tries again
            self._seen = -1
            self._header.show([Part(((error.message, "bad"),))])
        return True

    def again(self) -> None:
        """Show and pull now, because what is selected or asked for has changed."""
        self._seen = -1
        self.tick_safely()
        start(self, self._pull_once, "again")

    def _show_frame(self, snapshot: Snapshot) -> None:
        self._header.show(header.header(snapshot))
        problems = header.banner(snapshot)
        self._banner.set_class(bool(problems), "-on")
        self._banner.set_class(snapshot.config_waits, "-waits")
        self._banner.show(problems)
        self._event.show([Part(rows.event(snapshot.events[-1] if snapshot.events else None))])
        service = self.service
        keys = (
            (
                service.name,
                service.state,
                service.blocked_by,
                service.owner,
                service.breaker.state,
                service.breaker.by_hand,
                service.breaker.failures > 0,
                service.tty,
            )
            if service is not None
            else None,
            any(row.state in FAILED for row in snapshot.services),
        )
        if keys != self._fits:  # what decides which keys make sense; asking all of them costs half a millisecond
            self._fits = keys
            self.refresh_bindings()
        self.app.after_snapshot(snapshot)

    def action_copy_text(self) -> None:
        """ctrl+c with a selection; without one it is the app's, which asks whether to quit."""
        text = self.get_selected_text()
        if not text:
            raise SkipAction
        self.app.leaving.copy(text, fmt.plural(text.count("\n") + 1, "line"))
        self.clear_selection()

    def action_back(self) -> None:
        """To the overview, from every other view."""
        self.app.action_view("overview")

    # --- keys ----------------------------------------------------------------------------------------------------

    def _show_keys(self) -> None:
        """What can be pressed now. Under a dialog that is the dialog's business, which tells its keys itself."""
        if self.app.screen is not self:
            self._keys.show(key_line.PALETTE if self.app.screen.id == _PALETTE else ())
            return
        if isinstance(self.focused, Input):
            self._keys.show(key_line.TYPING)
            return
        active = active_keys(self)
        if isinstance(self.focused, Typewriter):
            self._keys.show([*key_line.keys(active, ["typing.leave"]), key_line.EVERY_KEY])
            return
        if isinstance(self.focused, LiveTable) and "table.choose" in active:
            shown, binding = active["table.choose"]
            active["table.choose"] = shown, replace(binding, description=self.focused.verb)
            if not self.focused.verb:
                del active["table.choose"]
        wide = self.size.width >= NARROW
        self._header.gap = 3 if wide else 2
        self._keys.show(key_line.of_view(self.view, active, wide=wide))

    # --- room ----------------------------------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        width, height = event.size
        self.set_class(width < NARROW, "-narrow")
        self.set_class(width < LEAST[0] or height < LEAST[1], "-small")
        self._show_keys()


def active_keys(screen: Screen[Any]) -> dict[str, tuple[str, Binding]]:
    """What can be pressed now, by binding id: how the key is shown, and the binding."""
    found: dict[str, tuple[str, Binding]] = {}
    for active in screen.active_bindings.values():
        id = active.binding.id
        if id and active.enabled and id not in found:
            found[id] = screen.app.get_key_display(active.binding), active.binding
    return found
