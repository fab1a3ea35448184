"""The way to a terminal that may not be listening.

Textual hands what it draws to a thread through a queue of thirty pieces, and waits where that is full: for ever, once the
terminal is gone and the thread with it, or as long as the terminal is not read (a stopped `ssh`, a window that hangs). The loop
that would wait is the one that also proxies. So nothing here waits: what a terminal does not take is dropped, and drawn anew when
it does.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from textual.drivers._writer_thread import WriterThread

PATIENCE_S: Final = 0.5
"""What a terminal has to take the last of it, which gives it back as it was."""
_LOOK_S: Final = 0.01


class Driver(LinuxDriver):
    """Drops instead of waiting."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._dropped = False
        self._ended = False

    def write(self, data: str) -> None:
        writer = self._listening
        if writer is None or writer._queue.full():  # nobody else puts anything in
            self._dropped = True
            return
        writer.write(data)
        if self._dropped and writer._queue.qsize() <= 1:
            self._dropped = False
            self._app.call_later(self._app.refresh, layout=True)

    @property
    def _listening(self) -> WriterThread | None:
        """The thread that writes, if the terminal is still there."""
        writer = self._writer_thread
        return writer if writer is not None and writer.is_alive() else None

    def start_application_mode(self) -> None:
        """Not once it has ended: a pager that is left because devgate ends gives the terminal back when nobody wants it any more.
        It would stay on the alternate screen, and the threads that would be started keep the process for ever."""
        if not self._ended:
            super().start_application_mode()  # type: ignore[no-untyped-call]

    def suspend_application_mode(self) -> None:
        super().suspend_application_mode()  # by stopping and closing, which is not the end here
        self._ended = False

    def stop_application_mode(self) -> None:
        self._ended = True
        self._let_it_read()
        super().stop_application_mode()

    def close(self) -> None:
        writer = self._listening
        if writer is not None and not writer._queue.full():
            writer._queue.put(None)
            writer.join(PATIENCE_S)

    def _let_it_read(self) -> None:
        """Wait a little until what was drawn has been taken: what comes next must not be dropped."""
        for _ in range(round(PATIENCE_S / _LOOK_S)):
            writer = self._listening
            if writer is None or writer._queue.empty():
                return
            time.sleep(_LOOK_S)
