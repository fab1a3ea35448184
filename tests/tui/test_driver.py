"""What a terminal does not take is dropped, and drawn anew when it does."""

from __future__ import annotations

import os
import pty
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread
from textual.drivers.linux_driver import LinuxDriver

from devgate.tui.driver import Driver

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = "x" * 20_000


class Unread:
    """A driver whose terminal nobody reads yet."""

    def __init__(self) -> None:
        self.master, slave = pty.openpty()
        self.file = open(slave, "w")  # noqa: SIM115 - closed below
        self.asked: list[Any] = []
        self.driver = Driver.__new__(Driver)
        self.driver._dropped = False
        self.driver._app = SimpleNamespace(
            refresh="refresh", call_later=lambda *what, **how: self.asked.append(what[0])
        )
        self.writer = WriterThread(self.file)
        self.driver._writer_thread = self.writer
        self.writer.start()

    def read(self) -> int:
        return len(os.read(self.master, 65536))


@pytest.fixture
def unread() -> Iterator[Unread]:
    made = Unread()
    yield made
    reading = threading.Thread(target=lambda: [None for _ in iter(made.writer.is_alive, False) if made.read()])
    reading.start()
    made.driver.close()
    made.writer._queue.put(None)
    made.file.write("end")
    made.file.flush()
    made.writer.join(10)
    reading.join(10)
    made.file.close()
    os.close(made.master)


def test_writing_never_waits(unread: Unread):
    for _ in range(MAX_QUEUED_WRITES * 3):
        unread.driver.write(PIECE)
    assert unread.driver._dropped
    assert unread.asked == []
    while not unread.writer._queue.empty():
        unread.read()
    unread.driver.write("a small piece")
    assert unread.asked == ["refresh"]
    assert not unread.driver._dropped


def test_a_terminal_that_is_gone_is_written_to_no_more():
    driver = Driver.__new__(Driver)
    driver._dropped = False
    driver._writer_thread = WriterThread(SimpleNamespace(write=None, flush=None))  # type: ignore[arg-type]
    driver.write("x")  # it was never started, or has ended
    driver._writer_thread = None
    driver.write("x")
    driver.close()
    assert driver._dropped


@pytest.mark.parametrize(
    ("calls", "started"),
    [
        (["start", "suspend", "resume", "stop"], 2),
        (["start", "suspend", "stop", "resume"], 1),  # devgate ends under a pager, which is left afterwards
        (["start", "suspend", "stop", "close", "resume"], 1),
        (["start", "suspend", "resume", "suspend", "resume", "stop", "resume"], 3),
    ],
)
async def test_the_terminal_is_taken_back_only_until_the_end(
    monkeypatch: pytest.MonkeyPatch, calls: list[str], started: int
):
    happened: list[str] = []
    monkeypatch.setattr(LinuxDriver, "start_application_mode", lambda driver: happened.append("start"))
    monkeypatch.setattr(LinuxDriver, "stop_application_mode", lambda driver: happened.append("stop"))
    driver = Driver(SimpleNamespace())  # type: ignore[arg-type]
    driver._writer_thread = None
    for call in calls:
        getattr(driver, "close" if call == "close" else f"{call}_application_mode")()
    assert happened.count("start") == started
    assert happened[-1] == "stop"
