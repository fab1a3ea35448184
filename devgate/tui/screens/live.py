"""The base of every view: the lines around it, the pull, and what to do when there is no room."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import on
from textual.screen import Screen

from devgate.errors import DevgateError
from devgate.tui import header, rows
from devgate.tui.bindings import COMMON, CONTEXT
from devgate.tui.widgets.line import Line, Part
from devgate.tui.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import Binding
    from textual.widget import Widget

    from devgate.model.snapshot import ServiceRow, Snapshot
    from devgate.tui.app import DevgateApp

TICK_S: Final = 0.25
NARROW: Final = 100
LEAST: Final = (60, 15)


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

    def pull(self) -> None:
        """Fetch what is not in the snapshot; called at every tick."""

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
        self._timer = self.set_interval(TICK_S, self.tick)
        self.bindings_updated_signal.subscribe(self, lambda _: self._show_keys())
        self._small.show([Part(((f"devgate needs {LEAST[0]}x{LEAST[1]} cells; make the window larger", "warn"),))])
        self.tick()

    def on_screen_suspend(self) -> None:
        self._timer.pause()

    def on_screen_resume(self) -> None:
        self._timer.resume()
        self.entered()
        self.tick()

    def entered(self) -> None:
        """The view has just come into sight again."""

    def tick(self) -> None:
        """Pull once: nothing is drawn unless `control.seq` has moved."""
        control = self.app.control
        try:
            if control.seq != self._seen:
                self._seen = control.seq
                self.snapshot = control.snapshot()
                self._show_frame(self.snapshot)
                self.show(self.snapshot)
        except DevgateError as error:  # a remote devgate that does not answer; the next tick tries again
            self._header.show([Part(((error.message, "bad"),))])
            return
        self.pull()

    def again(self) -> None:
        """Show the snapshot again, because what is selected or asked for has changed."""
        if self.snapshot is not None:
            self._show_frame(self.snapshot)
            self.show(self.snapshot)
        self.pull()

    def _show_frame(self, snapshot: Snapshot) -> None:
        self._header.show(header.header(snapshot))
        problems = header.banner(snapshot)
        self._banner.set_class(bool(problems), "-on")
        self._banner.show(problems)
        self._event.show([Part(rows.event(snapshot.events[-1] if snapshot.events else None))])
        self.refresh_bindings()
        self.app.after_snapshot(snapshot)

    def action_back(self) -> None:
        """To the overview, from every other view."""
        self.app.action_view("overview")

    # --- keys ----------------------------------------------------------------------------------------------------

    def _show_keys(self) -> None:
        active = active_keys(self)
        if isinstance(self.focused, LiveTable) and "table.choose" in active:
            shown, binding = active["table.choose"]
            active["table.choose"] = shown, replace(binding, description=self.focused.verb)
        wide = self.size.width >= NARROW
        self._header.gap = 3 if wide else 2
        wanted = [id for id in CONTEXT[self.view] if id in active][: 7 if wide else 5]
        common = () if self.view == "profiles" else COMMON if wide or len(wanted) < 4 else ()
        parts = header.keys(active, ["screen.help", *wanted, *common])
        self._keys.show([*parts[1:], *parts[:1], *([header.views(self.view)] if wide else [])])

    @on(Line.Clicked)
    def _press(self, event: Line.Clicked) -> None:
        self.app.simulate_key(event.action)

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
