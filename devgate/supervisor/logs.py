"""The newest lines of every service, and reading them alone or merged.

Lines are pulled by number, never pushed: a reader that is slow, or not there, costs nothing. Each line has two numbers: one in
its service and one among all services, so that a merged view is in the order of arrival and is read on just like a single one.

Secrets in them are not masked, here, on the screen or in files (SEMANTICS 4, threat 14, wants that of every exit): a service says
its one-time password or the address with its token for somebody to use it, as on a terminal, and what it prints is its own to
decide. Lines that devgate quotes elsewhere - in a row, an event, an answer to a page - are.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Literal, NamedTuple

from devgate.errors import CommandError
from devgate.model.query import LogLine, LogSlice
from devgate.supervisor.lines import plain
from devgate.supervisor.logfile import LogFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from devgate.clock import Clock
    from devgate.model.service import LogSpec

Stream = Literal["out", "err", "mark"]

_ERROR = re.compile(r"\b(?:error|fatal|panic(?:ked)?|exception|critical|traceback|segfault)\b", re.IGNORECASE)
_NO_ERROR = re.compile(r"\b(?:no|0) (?:error|exception)s?\b", re.IGNORECASE)
_SCANNED_AT_ONCE = 500


class _Line(NamedTuple):
    among_all: int
    at: float
    replica: int
    stream: Stream
    run: int
    text: str


class LogRing:
    """What one service has written lately, all replicas together, bounded in lines and in characters."""

    def __init__(self, service: str, spec: LogSpec, file: LogFile | None, book: LogBook) -> None:
        self.service = service
        self.spec = spec
        self.total = 0
        """Lines so far; the number of the newest one."""
        self.unfinished: Callable[[], str] = str
        """What has no line end yet, of a service with a terminal."""
        self._file = file
        self._book = book
        self._lines: deque[_Line] = deque()
        self._size = 0
        self._lost_up_to = 0
        self._scanned = 0
        self._error: tuple[int, str] = (0, "")

    def add(self, lines: Sequence[str], stream: Stream, *, replica: int = 0, run: int = 0) -> None:
        """Append lines that have arrived just now."""
        if not lines:
            return
        at = self._book.clock.wall()
        number = self._book.total
        for text in lines:
            number += 1
            self._lines.append(_Line(number, at, replica, stream, run, text))
            self._size += len(text)
        self._book.total = number
        self.total += len(lines)
        while len(self._lines) > self.spec.lines or (self._size > self.spec.memory and len(self._lines) > 1):
            gone = self._lines.popleft()
            self._size -= len(gone.text)
            self._lost_up_to = gone.among_all
        if self._file is not None:
            self._file.write(lines, stream, at=at, replica=replica)

    def limit(self, spec: LogSpec) -> None:
        """New limits; they count from the next line on."""
        self.spec = spec
        if self._file is not None:
            self._file.spec = spec

    def mark(self, text: str, *, replica: int = 0, run: int = 0) -> None:
        """A line of devgate's own."""
        self.add([text], "mark", replica=replica, run=run)

    @property
    def first(self) -> int:
        """Number of the oldest line still held."""
        return self.total - len(self._lines) + 1

    def read(self, after: int, limit: int) -> LogSlice:
        """The newest `limit` lines after number `after` of this service."""
        if after == self.total:  # nearly always: the screen asks four times a second
            return LogSlice((), first=self.first, next=after, dropped=0, unfinished=self.unfinished())
        after = min(max(after, 0), self.total)
        start = max(after + 1, self.first, self.total - limit + 1)
        count = self.total - start + 1
        lines = tuple(self._shown(line, start + index) for index, line in enumerate(_newest(self._lines, count)))
        dropped = start - 1 - after
        return LogSlice(lines, first=self.first, next=self.total, dropped=dropped, unfinished=self.unfinished())

    def newest_among_all(self, after: int, limit: int) -> tuple[list[LogLine], int]:
        """At most `limit` lines after number `after` among all services, numbered so, and how many are missing before them.

        The missing ones are known exactly for those still held, and bounded from above for those that are gone.
        """
        found: list[LogLine] = []
        skipped = 0
        for line in reversed(self._lines):
            if line.among_all <= after:
                break
            if len(found) < limit:
                found.append(self._shown(line, line.among_all))
            else:
                skipped += 1
        lost = min(self.first - 1, max(self._lost_up_to - after, 0))
        return found[::-1], skipped + lost

    @property
    def first_among_all(self) -> int:
        return self._lines[0].among_all if self._lines else self._book.total + 1

    def last_line(self, run: int) -> str:
        """The last thing that the service itself wrote in this run, without colour; empty if nothing."""
        for line in reversed(self._lines):
            if line.run != run:
                break
            if line.stream != "mark" and line.text.strip():
                return plain(line.text).strip()
        return ""

    def last_error(self, run: int) -> str:
        """The last line from this run on that looks like an error, without colour. Looks only at what is new since the last
        time it was asked."""
        unseen = min(self.total - self._scanned, len(self._lines), _SCANNED_AT_ONCE)
        for line in _newest(self._lines, unseen):
            if line.stream != "mark" and _ERROR.search(line.text) and not _NO_ERROR.search(line.text):
                self._error = (line.run, plain(line.text).strip())
        self._scanned = self.total
        return self._error[1] if self._error[0] >= run else ""

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _shown(self, line: _Line, seq: int) -> LogLine:
        return LogLine(
            seq=seq,
            at=line.at,
            service=self.service,
            replica=line.replica,
            stream=line.stream,
            text=line.text,
            run=line.run,
        )


class LogBook:
    """The rings of all services, each with its file in `folder` (None: no files)."""

    def __init__(self, clock: Clock, folder: Path | None = None) -> None:
        self.clock = clock
        self.total = 0
        """Lines of all services so far."""
        self._folder = folder
        self._rings: dict[str, LogRing] = {}

    def open(self, service: str, spec: LogSpec) -> LogRing:
        """The ring of a service; one that is there already takes the new limits over and keeps its lines."""
        ring = self._rings.get(service)
        if ring is None:
            file = LogFile(self._folder / f"{service}.log", spec) if self._folder is not None else None
            ring = self._rings[service] = LogRing(service, spec, file, self)
        else:
            ring.limit(spec)
        return ring

    def drop(self, service: str) -> None:
        """Forget a service's lines; its file stays."""
        ring = self._rings.pop(service, None)
        if ring is not None:
            ring.close()

    def close(self) -> None:
        for ring in self._rings.values():
            ring.close()

    def read(self, names: Iterable[str], after: int, limit: int) -> LogSlice:
        """Lines of one service, or merged for several, or of all for none.

        Raises:
            CommandError: there is no such service.
        """
        wanted = list(dict.fromkeys(names)) or list(self._rings)
        unknown = [name for name in wanted if name not in self._rings]
        if unknown:
            raise CommandError(f"there are no logs of {unknown[0]!r}", code="unknown-service", status=404)
        rings = [self._rings[name] for name in wanted]
        limit = max(limit, 0)
        if len(rings) == 1:
            return rings[0].read(after, limit)
        after = min(max(after, 0), self.total)
        found: list[LogLine] = []
        missing = 0
        for ring in rings:
            lines, skipped = ring.newest_among_all(after, limit)
            found += lines
            missing += skipped
        found.sort(key=lambda line: line.seq)
        given = found[len(found) - limit :] if limit < len(found) else found
        return LogSlice(
            lines=tuple(given),
            first=min((ring.first_among_all for ring in rings), default=1),
            next=self.total,
            dropped=missing + len(found) - len(given),
        )


def _newest(lines: deque[_Line], count: int) -> list[_Line]:
    """The last `count`, oldest first: from the right, because a deque is slow in its middle."""
    return [line for line, _ in zip(reversed(lines), range(count), strict=False)][::-1]
