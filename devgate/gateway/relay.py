"""One attempt to have a request answered: a `Sink` on the service's side, a `Flow` on the client's.

What one read of the service's socket brought leaves with one write. Until the first byte of the final answer is out, a failure
can still be turned into another answer; afterwards it can only break the connection off. An answer that ends too early is never
ended properly: the client must not take it for the whole.

An attempt counts on its instance and in the traffic from its making until `end` or `leave`, of which exactly one comes. It holds
no reference to itself, not even by a bound method, so that a request leaves nothing for the collector.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from devgate.gateway.capture import KEPT
from devgate.gateway.failures import Failure
from devgate.gateway.frames import SERVICE_RESTART
from devgate.gateway.handlers.tunnel import Tunnel
from devgate.gateway.headers import VERSION, read_response, response_trailers
from devgate.gateway.reply import answer_head, interim_head, is_event_stream, switch_head
from devgate.gateway.upstream.errors import Kind, Stage, UpstreamError
from devgate.gateway.upstream.response import Framing
from devgate.model.status import BreakerState
from devgate.policy.breaker import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.directory import Instance
    from devgate.errors import DevgateError
    from devgate.gateway.deadlines import Deadlines
    from devgate.gateway.exchange import Exchange
    from devgate.gateway.lane import Lane
    from devgate.gateway.upstream.line import Line
    from devgate.gateway.upstream.response import Fields as RawFields
    from devgate.gateway.upstream.response import ResponseHead
    from devgate.policy.breaker import Admission

    Then = Callable[["Relay", DevgateError | None], None]

_MOVED: Final = {BreakerState.OPEN: "opened", BreakerState.HALF_OPEN: "half opened", BreakerState.CLOSED: "closed"}
GOODBYE_S: Final = 1.0
"""How long a client may take to answer our close frame."""


@dataclass(slots=True)
class Common:
    """What all attempts of a gateway share."""

    now: Callable[[], float]
    """Monotonic seconds."""
    deadlines: Deadlines
    close_code: int = SERVICE_RESTART
    """What a WebSocket is told when the gateway ends it."""
    streams: set[Relay] = field(default_factory=set)
    """Those that would last for ever."""


class Relay:
    """One attempt.

    Args:
        then: called once with how it ended: None, or what ended it.
    """

    __slots__ = (
        "_admission",
        "_chunked",
        "_clogged",
        "_common",
        "_idle_s",
        "_lane",
        "_late",
        "_line",
        "_origins",
        "_out",
        "_over",
        "_trailers",
        "_tunnel",
        "_uncut",
        "deadline",
        "exchange",
        "instance",
        "then",
    )

    def __init__(
        self, exchange: Exchange, lane: Lane, instance: Instance, admission: Admission, common: Common, then: Then
    ) -> None:
        self.exchange = exchange
        self.instance = instance
        self.then: Then | None = then
        self.deadline = math.inf
        self._lane = lane
        self._admission: Admission | None = admission
        self._common = common
        self._line: Line | None = None
        self._origins: tuple[bytes, ...] = ()
        self._idle_s = math.inf if lane.idle_s is None else lane.idle_s
        self._late = Relay._late_answer
        """What to do when the deadline passes."""
        self._out: list[bytes] = []
        """Collected in this batch."""
        self._chunked = False
        self._clogged = False
        """Whether the service does not keep up with the request's body."""
        self._over = False
        self._trailers: RawFields = []
        self._tunnel: Tunnel | None = None
        self._uncut: Callable[[], None] | None = None
        exchange.instance = instance
        exchange.status = exchange.sent = 0
        instance.enter()
        lane.traffic.in_flight += 1

    # From the handler

    def send(self, line: Line, head: bytes, origins: tuple[bytes, ...], *, body: int = 0) -> None:
        """Send the request, whose `body` follows if it is not part of `head`.

        Args:
            origins: what the service may call itself, see `ways.Way`.

        Raises:
            UpstreamError: the line is dead; nothing was sent.
        """
        exchange = self.exchange
        self._line = line
        self._origins = origins
        chain = self._lane.chain
        sink = self if chain is None else chain.filtered(self)
        line.start(sink, head, body=body, is_head=exchange.method == "HEAD", expects_upgrade=exchange.upgrade)
        exchange.flow = self
        if exchange.client.choked:
            line.pause_reading()
        if self._lane.stream:
            self._last()
        if body:
            self.expect_body()
        else:
            self.expect_answer()
        self._common.deadlines.watch(self)

    def expect_body(self) -> None:
        """The client is to send more of its body, or the service to take more of it."""
        self._late = Relay._late_request
        self.deadline = self._common.now() + self._idle_s

    def expect_answer(self) -> None:
        """The request is out; from now on the service takes the time."""
        self._late = Relay._late_answer
        if not self.exchange.status and self._lane.response_s is not None:
            self.deadline = self._common.now() + self._lane.response_s

    def cast(self, outcome: Outcome, cause: str = "") -> None:
        """Tell the breaker how it went. Only the first word counts, and it has to come: a probe's slot hangs on it."""
        admission, self._admission = self._admission, None
        if admission is not None:
            fuse = self._lane.backend.fuse
            before = fuse.breaker.state
            fuse.record(admission, outcome, cause, self.exchange.request_id, self.instance)
            if fuse.breaker.state is not before:
                why = f": {cause}" if cause else ""
                self.exchange.traced().note("breaker", f"{_MOVED[fuse.breaker.state]} by this request{why}", "warn")

    def cast_loss(self, cause: str) -> None:
        """The same, where the connection has ended: how that counts is not known yet."""
        admission, self._admission = self._admission, None
        if admission is not None:
            self._lane.backend.fuse.record_loss(admission, self.instance, cause, self.exchange.request_id)

    def cast_status(self) -> None:
        """The service has answered."""
        if self._admission is not None:
            status, breaker = self.exchange.status, self._lane.backend.fuse.breaker
            if breaker.acquits(self._admission, status):
                self._admission = None
                return
            outcome = breaker.judge(status)
            self.cast(outcome, f"status {status}" if outcome is Outcome.FAILURE else "")

    def lose(self) -> None:
        """The client has heard that the connection to the service has ended."""
        self.instance.lose(self._common.now())

    def end(self, how: DevgateError | None) -> None:
        """The attempt is over, and `then` says what becomes of the request."""
        if not self._over:
            self._clear()
            then, self.then = self.then, None
            if then is not None:
                then(self, how)

    def leave(self) -> None:
        """Nobody is interested any more, also not in how it has ended: a client that leaves in the middle of its upload ends the
        attempt by that already."""
        if not self._over:
            self._clear()
            self.then = None
            if self._line is not None:
                self._line.abort()
        self.cast(Outcome.IGNORED)

    def _clear(self) -> None:
        self._over = True
        self._common.deadlines.forget(self)
        self.exchange.flow = None
        self.instance.leave()
        self._lane.traffic.in_flight -= 1
        if self._uncut is not None:
            self._uncut()
            self._uncut = None
            self._common.streams.discard(self)

    def cut(self) -> None:
        """The service is about to stop, or the gateway: end what would last for ever."""
        exchange, line = self.exchange, self._line
        assert line is not None
        self.cast(Outcome.IGNORED)
        if not exchange.started:
            line.fail(Kind.RESET, "it stops before it has answered")  # where it can be sent again, it will be
            return
        exchange.error = "cut"
        if self._tunnel is not None and self._tunnel.say_goodbye(self._common.close_code):
            self._late = Relay._late_goodbye
            self.deadline = self._common.now() + GOODBYE_S
            return
        line.abort()
        exchange.client.abort()
        exchange.close = True
        self.end(None)

    def break_off(self, detail: str) -> None:
        """End the answer here, as if the service had."""
        assert self._line is not None
        self._line.abort()
        self.on_error(UpstreamError(Kind.TRUNCATED, Stage.BODY, detail, sent_any=True, received_any=True))

    def expire(self) -> None:
        """The deadline has passed (`deadlines.Limited`)."""
        if self.exchange.started and self.exchange.client.choked and self._tunnel is None:
            self.deadline = self._common.now() + self._idle_s  # the client takes its time, as a paused video does
            return
        self.deadline = math.inf
        how = self._late(self)
        assert self._line is not None
        self._line.abort()
        self.end(how)

    def _late_request(self) -> DevgateError | None:
        assert self._line is not None
        if self._clogged:
            self._line.fail(Kind.RESPONSE_TIMEOUT, f"it took nothing of the request's body for {self._idle_s:g} s")
        self.exchange.close = True
        return Failure("request-timeout", "The rest of the request did not arrive in time.", stage="request")

    def _late_answer(self) -> DevgateError | None:
        assert self._line is not None
        waited_s = self._idle_s if self.exchange.status else self._lane.response_s
        what = "nothing more" if self.exchange.status else "no answer"
        self._line.fail(Kind.RESPONSE_TIMEOUT, f"it sent {what} for {waited_s:g} s")
        return None  # `on_error` has ended it

    def _late_goodbye(self) -> DevgateError | None:
        self.exchange.client.abort()
        return None

    # From the client's connection (exchange.Flow)

    def pause(self) -> None:
        if self._line is not None:
            self._line.pause_reading()

    def resume(self) -> None:
        if self._line is not None:
            self._line.resume_reading()

    # From the service's connection (upstream.sink.Sink)

    def on_informational(self, head: ResponseHead) -> None:
        exchange = self.exchange
        if exchange.http10 or (head.status == 100 and b"expect" not in exchange.greeting.noted):
            return
        exchange.client.write(interim_head(head))

    def on_head(self, head: ResponseHead) -> None:
        exchange = self.exchange
        exchange.status = head.status
        fields = read_response(head.headers, keep_cors=self._lane.cors.keeps_upstream)
        if is_event_stream(fields.noted):
            exchange.kind = "sse"
            self._last()
        if VERSION in fields.noted:
            self.instance.overhear(fields.noted[VERSION], self._common.now())
        if self._uncut is not None:
            self.cast_status()
        self._chunked = head.framing in (Framing.CHUNKED, Framing.EOF) and not exchange.http10
        self._out.append(answer_head(exchange, self._lane, head, fields, self._origins, chunked=self._chunked))

    def on_body(self, data: bytes) -> None:
        if self._tunnel is not None:
            self._tunnel.pass_back(data)
            return
        self.exchange.sent += len(data)
        if self._chunked:
            self._out.append(b"%x\r\n%b\r\n" % (len(data), data))
        else:
            self._out.append(data)

    def on_trailers(self, trailers: RawFields) -> None:
        self._trailers = trailers

    def on_flush(self) -> None:
        if self._tunnel is None and self._out:
            self._write()
            now = self._common.now()
            trace = self.exchange.traced()
            trace.answered_s = trace.answered_s or now - self.exchange.arrived
            self.deadline = now + self._idle_s

    def on_complete(self, *, garbage_after_body: bool) -> None:
        if self._chunked:
            self._out.append(b"0\r\n%b\r\n" % response_trailers(self._trailers))
        if self._out:
            self._write()
        if garbage_after_body:
            self.exchange.traced().note("garbage", "bytes followed the answer, so that connection was closed", "warn")
        self.end(None)

    def on_upgrade(self, head: ResponseHead) -> None:
        exchange, line = self.exchange, self._line
        assert line is not None
        exchange.status = 101
        exchange.kind = "websocket"
        exchange.close = True
        self._out.append(switch_head(exchange, head))
        self._write()
        self._last()
        self.cast_status()
        self._tunnel = Tunnel(exchange, line)
        exchange.client.hand_over(self._tunnel)

    def on_error(self, error: UpstreamError) -> None:
        if self.exchange.started and self._out:
            self._write()  # all that came, so that the client sees how far it got
        self._out.clear()
        self.end(None if self._tunnel is not None and self._tunnel.said else error)

    def on_pause_sending(self) -> None:
        self._clogged = True
        if self._tunnel is not None:
            self.exchange.client.stop_reading()

    def on_resume_sending(self) -> None:
        self._clogged = False
        if self._tunnel is not None:
            self.exchange.client.start_reading()

    def _write(self) -> None:
        out, exchange = self._out, self.exchange
        exchange.started = True
        data = out[0] if len(out) == 1 else b"".join(out)
        if not exchange.answered:
            exchange.answered = data
        elif exchange.sent <= KEPT:
            exchange.traced().rest.append(data)
        exchange.client.write(data)
        out.clear()

    def _last(self) -> None:
        """This answer may never end: no deadline, no place in the pool's limits, cut when the service stops. The breaker is told
        of its head and not of its end, or a probe that became an event stream would block all others for hours."""
        self._idle_s = self.deadline = math.inf
        if self._line is not None:
            self._line.detach()
        if self._uncut is None:
            self._uncut = self.instance.on_cut(self.cut)
            self._common.streams.add(self)
