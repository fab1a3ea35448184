"""Pulls log lines into a pane, a screen's tick at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from devgate.control import Control
    from devgate.tui.widgets.log_pane import LogPane

FIRST: Final = 5_000
"""Lines fetched when a log is opened: as many as a service's ring holds."""
AT_ONCE: Final = 1_250
"""Lines taken in one tick, so 5,000 a second: of more, the oldest are counted and passed over, for nobody reads them go by."""


class LogFeed:
    """What a pane shows, and how far it has read."""

    def __init__(self, pane: LogPane) -> None:
        self._pane = pane
        self._names: tuple[str, ...] | None = None
        self._after = 0
        self.unfinished = ""
        """What the one service that is shown has begun to write."""

    def open(self, names: tuple[str, ...]) -> None:
        """Show the log of these services, merged if there is not exactly one; the same again changes nothing."""
        if names == self._names:
            return
        self._names = names
        self._after = 0
        self.unfinished = ""
        title = names[0] if len(names) == 1 else ", ".join(names) or "all services"
        self._pane.restart(title, merged=len(names) != 1)

    async def pull(self, control: Control) -> None:
        """Fetch what is new."""
        names = self._names
        if names is None:
            return
        part = await control.services.logs(names, after=self._after, limit=AT_ONCE if self._after else FIRST)
        if names == self._names:
            self.unfinished = part.unfinished
        if names == self._names and (part.lines or part.next != self._after):
            self._after = part.next
            self._pane.add(part)
