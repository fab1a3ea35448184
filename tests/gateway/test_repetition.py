"""Reading only the request line of a request that repeats its fields must never be told apart from reading it all."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.clock import SystemClock
from devgate.gateway.front import Front
from devgate.gateway.repetition import Repetition
from tests.gateway.harness import OK, gateway
from tests.upstreams import answering, scripted

if TYPE_CHECKING:
    from devgate.gateway.connection import Connection
    from devgate.gateway.exchange import Exchange

FIELDS = b"\r\nHost: h\r\nAccept: a/b\r\n\r\n"
GET, GET_B = b"GET /a HTTP/1.1" + FIELDS, b"GET /b?c=%20&d HTTP/1.1" + FIELDS
OTHER = b"GET /a HTTP/1.1\r\nHost: h\r\nAccept: c/d\r\n\r\n"
PART = b"GET /z HTTP/1.1\r\nX-A: "
"""Whatever follows is the rest of a value."""
POST = b"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"
HIDDEN = b"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%b" % (len(GET), GET)
GET_WITH_BODY = b"GET /g HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n\r\n\r\n"
CHUNKED = b"POST /k HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\r\n\r\n0\r\n\r\n"
EARLY = b"\r\n" + GET
CLOSE = b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
UPGRADE = b"GET /w HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
LATE = b"POST /late HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"
OLD = b"GET /a HTTP/1.0" + FIELDS

MESSAGES = (
    GET, GET_B, OTHER, PART, POST, HIDDEN, GET_WITH_BODY, CHUNKED, EARLY, CLOSE, UPGRADE, LATE, OLD,
    b"HEAD /h HTTP/1.1" + FIELDS,
    b"OPTIONS * HTTP/1.1" + FIELDS,
    b"GET http://h/absolute HTTP/1.1" + FIELDS,
    b"GET /a b HTTP/1.1" + FIELDS,
    b"GET /\x01 HTTP/1.1" + FIELDS,
    GET[:-2],
    b"X-A: b\r\n\r\n",
)  # fmt: skip
TRAPS = {
    "a part of a head is no head": (PART, GET, PART, GET, GET, GET),
    "a part is pending": (GET, GET, PART, GET_B, GET),
    "a part came with the head": (GET, GET, GET + PART, GET + PART, GET),
    "the body looks like the end of a head": (GET_WITH_BODY,) * 4,
    "the body is a request": (GET, GET, HIDDEN, GET, HIDDEN),
    "the body of the one before": (GET, GET, POST, GET_B, POST, GET),
    "the rest of a body": (GET, GET, LATE, GET_B, GET),
    "chunks": (GET, GET, CHUNKED, GET_B, GET),
    "an empty line before": (EARLY, EARLY, b"GET /b HTTP/1.1" + EARLY),
    "an empty line within": (GET, GET, b"GET /b HTTP/1.1\r\n" + FIELDS),
    "the last one": (CLOSE, CLOSE, CLOSE),
    "an upgrade": (UPGRADE, UPGRADE, UPGRADE),
    "an old version": (OLD, OLD, OLD, b"GET /a HTTP/1.1" + FIELDS),
    "no request line": (GET, GET, b"GET /a HTTP/1.1 " + FIELDS),
    "a line with more in it": (GET, GET, b"GET /a HTTP/1.1\r\nX-A: b" + FIELDS),
}


class Wire(asyncio.Transport):
    """What the front writes to, and nothing more."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("127.0.0.1", 5), "sockname": ("127.0.0.1", 7)}.get(name, default)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def can_write_eof(self) -> bool:
        return False

    def write(self, data: bytes | bytearray | memoryview) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


@dataclass
class Recorder:
    """Remembers what it is asked to serve, and answers when it is told to."""

    seen: list[tuple[object, ...]] = field(default_factory=list)
    open: deque[Exchange] = field(default_factory=deque)

    def serve(self, exchange: Exchange) -> None:
        exchange.greeting = exchange.client.greeting = cast("Any", _greeting(exchange))
        fields = tuple(map(tuple, exchange.raw_headers))
        self.seen.append((exchange.method, exchange.target, fields, exchange.http10, exchange.close, exchange.upgrade))
        self.open.append(exchange)

    def refuse(self, exchange: Exchange, code: str, detail: str) -> None:
        self.seen.append((code, detail))

    def lose(self, exchange: Exchange) -> None:
        self.seen.append(("lost", exchange.target))

    def abandon(self, exchange: Exchange) -> None:
        self.seen.append(("abandoned", exchange.target))

    def answer(self) -> None:
        exchange = self.open.popleft()
        if exchange.body is not None:
            self.seen.append((exchange.body.is_eof(), exchange.body.read_nowait() if exchange.body.is_eof() else b""))
        exchange.client.finished()


@dataclass
class Said:
    raw: object


def _greeting(exchange: Exchange) -> Said:
    """Kept while the fields are the same, as `pipeline` does."""
    last = cast("Said | None", exchange.client.greeting)
    return last if last is not None and last.raw == exchange.raw_headers else Said(exchange.raw_headers)


class Nothing:
    def watch(self, limited: object) -> None: ...

    def forget(self, limited: object) -> None: ...


async def told(pieces: list[tuple[bytes, bool]]) -> list[tuple[object, ...]]:
    """What is served of these pieces; after those with True the request under way is answered."""
    recorder = Recorder()
    connection: Connection = Front(recorder, cast("Any", Nothing()), SystemClock())()
    wire = Wire()
    connection.connection_made(wire)
    for piece, answer in pieces:
        if piece and not wire.closed:
            connection.data_received(piece)
        if answer and recorder.open:
            recorder.answer()
    recorder.seen.append((wire.closed,))
    connection.connection_lost(None)
    await asyncio.sleep(0)
    return recorder.seen


def compare(pieces: list[tuple[bytes, bool]]) -> None:
    quick = asyncio.run(told(pieces))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Repetition, "target", lambda repetition, data: None)
        thorough = asyncio.run(told(pieces))
    assert quick == thorough


@pytest.mark.parametrize("messages", TRAPS.values(), ids=TRAPS)
def test_traps(messages: tuple[bytes, ...]):
    compare([(message, True) for message in messages])


def test_requests_that_do_not_wait_for_the_answer_before():
    compare([(GET, False), (OTHER, True), (b"", True), (OTHER, True), (GET, True)])
    compare([(GET, True), (GET, False), (GET_B, False), (OTHER, True), (b"", True), (OTHER, True), (b"", True)])


MESSAGE = st.one_of(st.just(GET), st.just(GET_B), st.sampled_from(MESSAGES))


@given(st.lists(st.tuples(MESSAGE, st.sampled_from((True, True, False)), st.integers(0, 99)), max_size=12))
def test_it_makes_no_difference(messages: list[tuple[bytes, bool, int]]):
    pieces: list[tuple[bytes, bool]] = []
    for message, answer, cut in messages:
        if 0 < cut < len(message) and cut % 7 == 0:
            pieces += [(message[:cut], False), (message[cut:], answer)]
        elif pieces and cut % 11 == 0:
            pieces[-1] = (pieces[-1][0] + message, answer)
        else:
            pieces.append((message, answer))
    compare(pieces)


async def test_it_happens(monkeypatch: pytest.MonkeyPatch):
    """A shortcut that is never taken would pass every comparison."""
    parsed: list[bytes] = []
    learn, target = Repetition.learn, Repetition.target
    taken: list[bytes | None] = []
    monkeypatch.setattr(Repetition, "target", lambda self, data: taken.append(target(self, data)) or taken[-1])
    monkeypatch.setattr(
        Repetition, "learn", lambda self, data, fields: (parsed.append(data), learn(self, data, fields))
    )
    async with scripted(answering(OK)) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        for path in (b"/a", b"/a", b"/b", b"/c?d"):
            client.send(b"GET %b HTTP/1.1\r\nHost: %b\r\nX-A: b\r\n\r\n" % (path, bench.host))
            assert (await client.answer()).body == b"ok"
        assert taken == [None, None, b"/b", b"/c?d"]
        client.send(b"POST /p HTTP/1.1\r\nHost: %b\r\nContent-Length: 2\r\n\r\nhi" % bench.host)
        assert (await client.answer()).body == b"ok"
        client.send(b"HEAD /e HTTP/1.1\r\nHost: %b\r\nX-A: b\r\n\r\n" % bench.host)
        assert (await client.answer("HEAD")).body == b""
        assert taken[4:] == [None, b"/e"]
    sent = bytes(service.peers[0].received)
    assert [line for line in sent.split(b"\r\n") if line.endswith(b" HTTP/1.1")] == [
        b"GET /a HTTP/1.1", b"GET /a HTTP/1.1", b"GET /b HTTP/1.1", b"GET /c?d HTTP/1.1",
        b"POST /p HTTP/1.1", b"hiHEAD /e HTTP/1.1",
    ]  # fmt: skip
    assert sent.count(b"X-A: b\r\n") == 5
    assert len(parsed) == 1
