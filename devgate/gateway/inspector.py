"""Looks at what the gateway knows of single requests, and sends one again.

A request that is sent again goes through the gateway's own listener, like any other: by the same rules, into the same list. It
carries the secrets that it had, which nobody but the gateway has kept.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from devgate.errors import CommandError
from devgate.gateway.capture import so_far
from devgate.gateway.detail import detail_of
from devgate.gateway.request_id import RequestIds
from devgate.gateway.target import BadTarget, parse
from devgate.gateway.under_way import row_of
from devgate.inspection.answers import answer_of
from devgate.inspection.draft import Known, outgoing, same
from devgate.model.detail import Replayed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from devgate.clock import Clock
    from devgate.gateway.capture import Raw
    from devgate.gateway.exchange import Exchange
    from devgate.gateway.record import Ring
    from devgate.gateway.table import Explanation, RoutingTable
    from devgate.inspection.draft import Outgoing
    from devgate.model.detail import RequestDetail
    from devgate.model.query import RequestName, RequestRow

REPLAY_S: Final = 60.0
"""How long the answer to a request that is sent again may take, head and body."""
HEAD: Final = 256 * 1024
"""Bytes of an answer that are looked through for its final status."""
_READ: Final = 64 * 1024
_NOTICED_S: Final = 1.0
"""How long it may take until a request that we have left is in the list."""
_LOOK_S: Final = 0.02


class Inspector:
    """What `Control.gateway` asks about single requests.

    Args:
        where: the address that the gateway answers at.
        exchanges: gives the requests that are not finished.
        table: gives the routes of now.
    """

    def __init__(
        self,
        ring: Ring,
        where: Callable[[], tuple[str, int]],
        exchanges: Callable[[], Iterable[Exchange]],
        table: Callable[[], RoutingTable],
        clock: Clock,
    ) -> None:
        self._table = table
        self._ring = ring
        self._where = where
        self._exchanges = exchanges
        self._clock = clock
        self._mint = RequestIds()

    async def request(self, name: RequestName) -> RequestDetail:
        """All that may be told of a request, so far if it is under way.

        Raises:
            CommandError: it is not remembered.
        """
        exchange = self._under_way(name) if isinstance(name, str) else None
        row: RequestRow
        raw: Raw | None
        if exchange is not None:
            row, raw = row_of(exchange, self._clock.now(), self._clock.wall()), so_far(exchange)
            target = exchange.target
        else:
            number = self._ring.number_of(name.encode()) if isinstance(name, str) else name
            (row, raw), target = self._known(number, name), self._ring.target(number)
        found = _found(self._table(), row, raw, target)
        return await asyncio.to_thread(detail_of, row, raw, self._url, found)

    async def replay(self, number: int, text: str | None = None) -> Replayed:
        """Send a request again, as it was or as `text` has it.

        Raises:
            CommandError: it is not remembered whole, or the text is no request, or there is no answer.
        """
        row, raw = self._known(number, number)
        again = _again(row, raw, self._ring.target(number))
        request = same(again) if text is None else outgoing(text, await self.request(number), again)
        id = self._mint()
        try:
            async with asyncio.timeout(REPLAY_S):
                status = await self._send(_bytes_of(request, id))
        except TimeoutError:
            raise CommandError(f"no whole answer within {REPLAY_S:g} s", code="no-answer", status=504) from None
        except OSError as error:
            reason = error.strerror or str(error)
            raise CommandError(f"the gateway cannot be reached: {reason}", code="no-answer", status=502) from None
        return Replayed(id.decode(), status, await self._number_of(id))

    def _under_way(self, request_id: str) -> Exchange | None:
        return next((one for one in self._exchanges() if one.request_id == request_id), None)

    def _known(self, number: int, name: RequestName) -> tuple[RequestRow, Raw | None]:
        row = self._ring.row(number)
        if row is None:
            raise CommandError(
                f"request {name} is not remembered",
                hint="the newest ones are; `devgate requests` lists them",
                code="unknown-request",
                status=404,
            )
        return row, self._ring.captures.get(number)

    @property
    def _url(self) -> str:
        host, port = self._where()
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def _send(self, data: bytes) -> int:
        """The status of the answer; 0 if the connection was broken off before it."""
        host, port = self._where()
        reader, writer = await asyncio.open_connection({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port)
        try:
            writer.write(data)
            await writer.drain()
            head, status = b"", 0
            while piece := await reader.read(_READ):
                if not status:
                    head += piece
                    status, endless = _final(head)
                    if endless or len(head) > HEAD:
                        break
        finally:
            writer.transport.abort()
        return status

    async def _number_of(self, id: bytes) -> int:
        for _ in range(round(_NOTICED_S / _LOOK_S)):
            if number := self._ring.number_of(id):
                return number
            await asyncio.sleep(_LOOK_S)
        return 0


def _found(table: RoutingTable, row: RequestRow, raw: Raw | None, line: bytes) -> Explanation | None:
    """What the table says to such a request, if that is still what it was told."""
    if raw is None or not (row.route or row.error in ("no-route", "method-not-allowed")):
        return None
    try:
        target = parse(row.method, line)
        host = target.authority or next((value for name, value in raw.fields if name.lower() == b"host"), b"")
        found = table.explain(row.method, target.path, host, raw.fields)
    except BadTarget:
        return None
    return found if (found.winner.id if found.winner is not None else "") == row.route else None


def _again(row: RequestRow, raw: Raw | None, target: bytes) -> Known:
    """What was sent, if it can be sent once more."""
    if raw is None:
        raise _gone("its bytes are no longer held: newer requests have taken their room")
    if not row.method:
        raise _gone("it was no request that could be understood")
    if row.kind == "websocket" or any(name.lower() == b"upgrade" for name, _ in raw.fields):
        raise _gone("a WebSocket is a conversation, which cannot be sent again")
    body = raw.upload
    if len(body) < row.request_bytes or _announced(raw) > len(body):
        raise _gone(f"its body was not kept whole: {len(body):,} of {max(row.request_bytes, _announced(raw)):,} bytes")
    return Known(row.method, target, raw.fields, body)


def _announced(raw: Raw) -> int:
    lengths = [value for name, value in raw.fields if name.lower() == b"content-length"]
    return int(lengths[0]) if lengths and lengths[0].isdigit() else 0


def _bytes_of(request: Outgoing, id: bytes) -> bytes:
    lines = [b"%b: %b\r\n" % field for field in request.fields]
    if request.body or request.method not in ("GET", "HEAD", "OPTIONS", "DELETE"):
        lines.append(b"Content-Length: %d\r\n" % len(request.body))
    return b"%b %b HTTP/1.1\r\n%bX-Request-ID: %b\r\nConnection: close\r\n\r\n%b" % (
        request.method.encode(),
        request.target,
        b"".join(lines),
        id,
        request.body,
    )


def _final(data: bytes) -> tuple[int, bool]:
    """Status of the final answer that `data` begins with, 0 while there is none; and whether it is one without an end."""
    while True:
        answer = answer_of(data)
        if not 100 <= answer.status < 200 or answer.status == 101:
            kind = next((value for name, value in answer.fields if name.lower() == b"content-type"), b"")
            return answer.status, kind.lower().startswith(b"text/event-stream")
        data = data.partition(b"\r\n\r\n")[2]


def _gone(message: str) -> CommandError:
    return CommandError(f"this request cannot be sent again: {message}", code="not-replayable", status=409)
