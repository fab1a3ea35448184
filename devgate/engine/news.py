"""What has happened: told to whoever listens, and kept in words for those who look later."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Final

from devgate.bus import Bus
from devgate.engine.narration import narrate
from devgate.model.snapshot import EventRow

if TYPE_CHECKING:
    from devgate.clock import Clock
    from devgate.model.events import Event

log = logging.getLogger(__name__)

EVENTS_KEPT: Final = 100


class News:
    """The bus, and its last facts as lines of text."""

    def __init__(self, clock: Clock) -> None:
        self.bus = Bus()
        self._clock = clock
        self._rows: deque[EventRow] = deque(maxlen=EVENTS_KEPT)

    @property
    def rows(self) -> tuple[EventRow, ...]:
        """Newest last."""
        return tuple(self._rows)

    def publish(self, event: Event) -> None:
        row = narrate(event, self._clock.wall())
        if row is not None:
            self._rows.append(row)
        self.bus.publish(event)

    def note(self, text: str) -> None:
        """What no event tells: as a line on the screen, and in the log."""
        self._rows.append(EventRow(at=self._clock.wall(), text=text, level="warning"))
        log.warning("%s", text)
