"""One request on its way, from its head to the last byte of its answer: mutable, owned by its connection.

It holds bytes as they came and knows no library, so that the front could be replaced. What the rules find out is written here for
whoever comes next, and for the record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

from devgate.gateway import failures
from devgate.gateway.capture import Trace

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from devgate.directory import Instance
    from devgate.gateway.greeting import Greeting
    from devgate.gateway.headers import Field
    from devgate.gateway.lane import Lane
    from devgate.gateway.middleware.limits import Quota
    from devgate.gateway.table import Route
    from devgate.gateway.venture import Venture
    from devgate.policy.cors import Verdict


Kind = Literal["http", "sse", "websocket"]


class BadBody(Exception):
    """The rest of a request's body is malformed, too large, or will not come.

    Args:
        why: what is wrong with it; for a `bad-request` what breaks RFC 9112, otherwise a sentence.
        code: the slug to answer with.
    """

    def __init__(self, why: str, code: str = "bad-request") -> None:
        super().__init__(why)
        self.code = code

    @property
    def sentence(self) -> str:
        return f"The body does not follow RFC 9112: {self}." if self.code != "body-too-large" else str(self)


class Body(Protocol):
    """A request's body while it arrives. Unread bytes are bounded: who does not read makes the client wait."""

    async def readany(self) -> bytes:
        """What has arrived, at least one byte; empty at the end.

        Raises:
            BadBody: the rest will not come, or is malformed.
        """
        ...

    def read_nowait(self) -> bytes: ...

    def is_eof(self) -> bool:
        """Whether all of it has arrived (and may still have to be read)."""
        ...


class Flow(Protocol):
    """Where the bytes for a client come from, as its connection sees it."""

    def pause(self) -> None:
        """The client does not keep up."""
        ...

    def resume(self) -> None: ...

    def leave(self) -> None:
        """The client has gone."""
        ...


class Receiver(Protocol):
    """What takes a client's raw bytes after an upgrade. That the client has gone it hears as every handler: it is cancelled."""

    def data_received(self, data: bytes) -> None: ...


class Client(Protocol):
    """The connection that the request came by. It serves one request at a time."""

    peer: str
    """Address of the other end."""
    port: int
    """The port that it connected to."""
    greeting: Greeting | None
    """Of its last request; kept by `pipeline`."""

    def write(self, data: bytes) -> None:
        """Send, or do nothing if the client is gone."""
        ...

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do what has to be waited for, in the connection's own task: it is cancelled when the client leaves."""
        ...

    def finished(self) -> None:
        """The exchange is over: its answer is out, or broken off."""
        ...

    def date_line(self) -> bytes:
        """`Date`, with its CRLF."""
        ...

    @property
    def ending(self) -> bool:
        """Whether it will take no further request."""
        ...

    @property
    def choked(self) -> bool:
        """Whether more is buffered for it than is good."""
        ...

    async def reset(self) -> None:
        """Break the connection in a way that the client notices at once, after it has got all that was written."""
        ...

    def abort(self) -> None:
        """Break the connection without an orderly end: the client must not take what it has for the whole."""
        ...

    def stop_reading(self) -> None:
        """Of raw bytes, after an upgrade: make the client wait."""
        ...

    def start_reading(self) -> None: ...

    def hand_over(self, receiver: Receiver) -> None:
        """From here on raw bytes go to `receiver`, those first that have arrived already."""
        ...


class Exchange:
    """One request and its answer."""

    __slots__ = (
        "answered",
        "arrived",
        "body",
        "client",
        "close",
        "cors",
        "counted",
        "error",
        "extra",
        "flow",
        "greeting",
        "head",
        "held_s",
        "host",
        "http10",
        "id",
        "instance",
        "kind",
        "lane",
        "method",
        "path",
        "query",
        "quota",
        "raw_headers",
        "received",
        "route",
        "sent",
        "started",
        "status",
        "target",
        "trace",
        "trailers",
        "upgrade",
        "venture",
        "whole_body",
    )

    def __init__(
        self,
        client: Client,
        method: str,
        target: bytes,
        raw_headers: Sequence[Field],
        body: Body | None,
        *,
        http10: bool,
        close: bool,
        upgrade: bool,
        arrived: float,
    ) -> None:
        self.client = client
        self.method = method
        self.target = target
        """As it stood in the request line."""
        self.raw_headers = raw_headers
        self.body = body
        self.http10 = http10
        self.close = close
        """Whether the connection ends after the answer."""
        self.upgrade = upgrade
        """Whether the client asks for a WebSocket."""
        self.arrived = arrived
        """Monotonic seconds."""
        self.venture: Venture
        """Of a route with a `Recourse` only, between `begin` and `see_through`."""
        self.greeting: Greeting
        """The fields, read by `pipeline`."""
        self.id = b""
        """See `request_id`."""
        self.host = b""
        """What the client calls us, once it was found to be ours."""
        self.path = target
        """Raw path as it came."""
        self.query = b""
        """Raw, with its `?`; empty where there was not even that."""
        self.cors: Verdict | None = None
        self.route: Route | None = None
        self.lane: Lane | None = None
        """What its route brings with it, once it is forwarded."""
        self.head: tuple[bytes, bytes] = (b"", b"")
        """As the service gets it, before and after the `Host` line."""
        self.extra = b""
        """Header lines that the answer has, whoever gives it."""
        self.quota: Quota | None = None
        """What limits say to it, as far as they were asked."""
        self.counted = True
        """Whether it is traffic."""
        self.instance: Instance | None = None
        """The last one that it was sent to."""
        self.flow: Flow | None = None
        self.started = False
        """Whether bytes of a final answer are out: then nothing else may be written, and a failure can only break off."""
        self.status = 0
        self.error = ""
        """Slug of what the gateway answered with, or broke off for."""
        self.kind: Kind = "http"
        self.held_s = 0.0
        self.received = 0
        self.sent = 0
        """Body bytes."""
        self.trailers: Sequence[Field] = ()
        """What came after a chunked body; complete once that has ended."""
        self.whole_body: bytes | None = None
        """The request's body, where all of it had arrived before it was sent: it can be sent again."""
        self.answered = b""
        """What was written first of the answer; often all of it (`capture`)."""
        self.trace: Trace | None = None
        """What is only noted of requests that something had to be waited for."""

    def traced(self) -> Trace:
        """`trace`, which there is from now on."""
        if self.trace is None:
            self.trace = Trace()
        return self.trace

    @property
    def request_id(self) -> str:
        return self.id.decode()

    def header(self, name: bytes) -> bytes:
        """A request header by its lower-case name; for names that are not noted in `greeting`."""
        return next((value for key, value in self.raw_headers if key.lower() == name), b"")

    def answer(self, status: int, lines: bytes, body: bytes = b"") -> None:
        """Answer as a whole; the framing is done here (RFC 9112 6.3)."""
        self.status = status
        self.started = True
        bodiless = status in (204, 304)
        head = b"HTTP/1.1 %d %b\r\n%b%b%b%b\r\n" % (
            status,
            failures.reason(status),
            self.client.date_line(),
            lines,
            b"" if bodiless else b"Content-Length: %d\r\n" % len(body),
            self.connection_line(),
        )
        if bodiless or self.method == "HEAD":
            body = b""
        self.sent = len(body)
        whole = head + body
        self.answered = whole
        self.client.write(whole)

    def connection_line(self) -> bytes:
        """What the client has to know about the connection's future."""
        if self.client.ending or (self.body is not None and not self.body.is_eof()):
            self.close = True  # what is left of the body would be taken for the next request
        if self.close:
            return b"Connection: close\r\n"
        return b"Connection: keep-alive\r\n" if self.http10 else b""
