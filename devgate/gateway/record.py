"""What is remembered of finished requests: a bounded ring of tuples, turned into rows only when somebody looks.

A tuple costs a fifth of a microsecond, a frozen dataclass fifteen times that, and most requests are never looked at. Rows leave
redacted; what is in the ring is raw.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Final

from devgate.gateway.capture import Captures
from devgate.model.query import RequestPage, RequestRow
from devgate.redact import redact_text

if TYPE_CHECKING:
    from devgate.gateway.exchange import Exchange, Kind

    _Raw = tuple[float, bytes, str, bytes, int, str, str, int, float, float, int, int, str, Kind]

CAPACITY: Final = 5_000


class Ring:
    """The last finished requests, numbered from 1."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.total = 0
        """Requests finished so far: the number of the newest."""
        self._rows: deque[_Raw] = deque(maxlen=capacity)
        self.captures = Captures(capacity)
        """Their bytes, by the same numbers."""

    def add(self, exchange: Exchange, now: float, wall: float) -> None:
        """A request is done, at `now` monotonic and `wall` seconds since the epoch."""
        took_s = now - exchange.arrived
        route, lane, instance = exchange.route, exchange.lane, exchange.instance
        self.total += 1
        self._rows.append(
            (
                wall - took_s,
                exchange.id,
                exchange.method,
                exchange.target,
                exchange.status,
                "" if route is None else route.id,
                lane.backend.name if lane is not None else "" if route is None else route.spec.service,
                -1 if instance is None else instance.replica,
                took_s,
                exchange.held_s,
                exchange.received,
                exchange.sent,
                exchange.error,
                exchange.kind,
            )
        )
        self.captures.add(exchange)

    def page(self, after: int, limit: int) -> RequestPage:
        """Requests with numbers above `after`, at most the newest `limit` of them."""
        first = self.total - len(self._rows) + 1
        begin = max(after + 1, first, self.total - limit + 1)
        rows = islice(self._rows, begin - first, None)
        return RequestPage(
            rows=tuple(_row(number, raw) for number, raw in enumerate(rows, begin)),
            next=self.total,
            total=self.total,
        )

    def row(self, number: int) -> RequestRow | None:
        """One request; None if it is not remembered."""
        raw = self._raw(number)
        return None if raw is None else _row(number, raw)

    def target(self, number: int) -> bytes:
        """What stood in its request line; empty if it is not remembered."""
        raw = self._raw(number)
        return b"" if raw is None else raw[3]

    def number_of(self, id: bytes) -> int:
        """The newest request of this id; 0 if there is none."""
        newest = enumerate(reversed(self._rows))
        return next((self.total - age for age, raw in newest if raw[1] == id), 0)

    def _raw(self, number: int) -> _Raw | None:
        index = number - (self.total - len(self._rows)) - 1
        return self._rows[index] if 0 <= index < len(self._rows) else None


def shown_path(target: bytes) -> str:
    """What stood in a request line, as it may be shown."""
    return redact_text(target.decode("utf-8", "backslashreplace"))


def _row(number: int, raw: _Raw) -> RequestRow:
    at, request_id, method, target, status, route, service, replica, took_s, held_s, received, sent, error, kind = raw
    return RequestRow(
        seq=number,
        at=at,
        request_id=request_id.decode(),
        method=method,
        path=shown_path(target),
        status=status,
        route=route,
        service=service,
        replica=replica,
        duration_ms=took_s * 1000,
        held_ms=held_s * 1000,
        request_bytes=received,
        response_bytes=sent,
        error=error,
        kind=kind,
    )
