"""Sends a request to its service and sees to it that it is answered: hold, breaker, attempts, rescue.

One pass through `_attempts` is one attempt. Everything that may let the next one succeed is tried before the client hears of a
failure: another connection where a kept one was dead, waiting where the service is being brought back, another instance where
there is one. What the client hears in the end is a `Failure` with the stage at which it happened.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devgate.gateway.exchange import BadBody
from devgate.gateway.failures import Failure
from devgate.gateway.frames import GOING_AWAY
from devgate.gateway.headers import forwarded_lines, max_forwards_line, request_framing
from devgate.gateway.hold import CAPACITY
from devgate.gateway.relay import Common, Relay, Vote
from devgate.gateway.upstream.dial import Origin
from devgate.gateway.upstream.errors import Kind, UpstreamError
from devgate.gateway.upstream.line import CHUNKED
from devgate.gateway.upstream.pools import Pools
from devgate.model.status import BreakerState
from devgate.policy.breaker import Outcome
from devgate.policy.rescue import IDEMPOTENT, Mishap, Rescue, decide

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from devgate.clock import Clock
    from devgate.directory import Directory, Endpoint, Entry, Instance
    from devgate.errors import DevgateError
    from devgate.gateway.deadlines import Deadlines
    from devgate.gateway.exchange import Exchange
    from devgate.gateway.lane import Lane
    from devgate.gateway.upstream.line import Line
    from devgate.gateway.upstream.pool import Pool
    from devgate.policy.breaker import Admission
    from devgate.policy.cors import CorsPolicy

SUSPICION_S: Final = 2.0
"""How long a service may refuse connections while it counts as ready. A crash is seen within half a second; what refuses longer
is broken in another way, and the client is told."""
SUSPICION_PAUSE_S: Final = 0.1
PROBE_PAUSE_S: Final = 1.0
"""How often a request that waits for a probe's outcome looks by itself, should the probe never end."""
MEMO_SIZE: Final = 256

_BROKE_OFF: Final = frozenset({Kind.CONNECT_REFUSED, Kind.RESET, Kind.TRUNCATED})
_TIMEOUTS: Final = frozenset({Kind.CONNECT_TIMEOUT, Kind.RESPONSE_TIMEOUT})
_OURS: Final = frozenset({Kind.OVERLOADED, Kind.PROHIBITED})


@dataclass(frozen=True, slots=True)
class Way:
    """How an instance is reached in its present run."""

    endpoint: Endpoint
    pool: Pool
    host_line: bytes
    origin: bytes
    """As `http://host:port`."""


class Forward:
    """All forwarding of one gateway."""

    def __init__(
        self,
        directory: Directory,
        suspect: Callable[[str, int], None],
        deadlines: Deadlines,
        clock: Clock,
        *,
        pseudonym: str,
    ) -> None:
        self._directory = directory
        self._suspect = suspect
        self._now = clock.now
        self._common = Common(clock.now)
        self._deadlines = deadlines
        self._pools = Pools(clock.now)
        self._ways: dict[Instance, Way] = {}
        self._via = b"Via: 1.1 devgate (%b)\r\n" % pseudonym.encode()
        self._mark = b"devgate (%b)" % pseudonym.encode()
        self._forwarded: dict[tuple[str, bytes, bytes], bytes] = {}
        self._tls: ssl.SSLContext | None = None

    async def __call__(self, exchange: Exchange, lane: Lane, path: bytes, cors: CorsPolicy) -> None:
        """Forward `exchange` with the raw `path`, and return when its answer is out.

        Raises:
            Failure: no answer, and none of the service's bytes has reached the client.
        """
        traffic = lane.backend.traffic
        traffic.in_flight += 1
        lane.traffic.in_flight += 1
        try:
            await self._attempts(exchange, lane, self._head(exchange, lane, path), cors)
        finally:
            traffic.in_flight -= 1
            lane.traffic.in_flight -= 1

    def retain(self) -> None:
        """Forget the ways to instances that are gone, and close the connections that nobody will use."""
        known = {instance for entry in self._directory for instance in entry.instances}
        self._ways = {instance: way for instance, way in self._ways.items() if instance in known}
        self._pools.retain({way.pool.origin for way in self._ways.values()})

    def leave(self) -> None:
        """The gateway is about to end: long-lived answers are told so, and end."""
        self._common.close_code = GOING_AWAY

    def cut_streams(self) -> None:
        for relay in tuple(self._common.streams):
            relay.cut()

    async def aclose(self) -> None:
        await self._pools.aclose()

    # One request

    async def _attempts(self, exchange: Exchange, lane: Lane, head: tuple[bytes, bytes], cors: CorsPolicy) -> None:
        backend = lane.backend
        deadline = exchange.arrived + lane.hold_s
        suspected_until = 0.0
        replays = resends = 0
        tried: list[Instance] = []
        while True:
            entry = self._directory.get(backend.name)
            if entry is None or not entry.serving or backend.queue:
                entry = await self._held(exchange, lane, deadline)
                suspected_until = 0.0
                tried.clear()
            admission = backend.fuse.admit()
            if not admission.admitted:
                await self._probed(exchange, lane, entry, admission, deadline)
                continue
            vote = Vote(backend.fuse, admission, exchange)
            instance = backend.balance.pick(entry.serving, tried)
            try:
                error = await self._attempt(exchange, lane, head, cors, instance, vote, careful=replays > 0)
                if error is None:
                    return
                whole = exchange.body is None or exchange.whole_body is not None or exchange.received == 0
                rescue = decide(
                    _mishap(error, exchange.method),
                    exchange.method,
                    whole=whole,
                    managed=entry.managed,
                    replays=replays,
                    resends=resends,
                )
                now = self._now()
                suspected_until = suspected_until or min(deadline, now + SUSPICION_S)
                if rescue is Rescue.GIVE_UP or (rescue is Rescue.WAIT and now >= suspected_until):
                    vote.cast(_outcome(error), error.detail)
                    raise _failure(error, backend.name)
            finally:
                vote.cast(Outcome.IGNORED)
            if rescue is Rescue.REPLAY:
                replays += 1
                continue
            resends += error.sent_any
            tried.append(instance)
            self._suspect(backend.name, instance.replica)
            if all(other in tried for other in entry.serving):
                tried.clear()
                if instance in entry.serving:
                    await self._pause(exchange, lane, entry.changed, SUSPICION_PAUSE_S)

    async def _attempt(
        self,
        exchange: Exchange,
        lane: Lane,
        head: tuple[bytes, bytes],
        cors: CorsPolicy,
        instance: Instance,
        vote: Vote,
        *,
        careful: bool,
    ) -> UpstreamError | None:
        """Send the request once. None when it is answered, or broken off in the middle of the answer; otherwise what failed, and
        the client has seen nothing."""
        way = self._way(instance)
        exchange.instance = instance
        exchange.status = exchange.sent = 0
        certain = careful or exchange.method not in IDEMPOTENT
        instance.enter()
        try:
            line = way.pool.take_idle(certain=certain)
            if line is None:
                limit = None if lane.response_s is None else self._now() + lane.response_s
                line = await way.pool.acquire(limit, certain=certain, connect_s=lane.connect_s)
            relay = Relay(exchange, lane, cors, line, way.origin, vote, self._common)
            how = await self._talk(relay, line, b"".join((head[0], way.host_line, head[1])))
        except UpstreamError as error:
            return error
        finally:
            instance.leave()
        if how is None:
            vote.cast_status(exchange.status)
        elif not isinstance(how, UpstreamError):
            raise how
        elif not exchange.started:
            return how
        else:
            exchange.error = how.kind.value
            exchange.close = True
            exchange.client.abort()
            vote.cast(_outcome(how), how.detail)
        return None

    async def _talk(self, relay: Relay, line: Line, head: bytes) -> DevgateError | None:
        """Send the request and wait until the answer is out."""
        exchange = relay.exchange
        body = exchange.body
        noted = exchange.fields.noted
        exchange.flow = relay
        pump = None
        if body is not None and exchange.whole_body is None:
            if body.is_eof():
                exchange.whole_body = whole = body.read_nowait()
                exchange.received = len(whole)
            else:
                pump = self._send_body
        if exchange.whole_body is not None:
            head += _framed(exchange.whole_body, chunked=b"transfer-encoding" in noted)
        try:
            if pump is None:
                line.start(relay, head, is_head=exchange.head_only, expects_upgrade=exchange.upgrade)
                relay.begin(answer=True)
                self._deadlines.watch(relay)
                return await relay.done
            length = CHUNKED if b"transfer-encoding" in noted else int(noted[b"content-length"])
            line.start(relay, head, body=length, is_head=exchange.head_only)
            relay.begin(answer=False)
            self._deadlines.watch(relay)
            async with asyncio.TaskGroup() as group:
                sending = group.create_task(pump(relay, line), name=f"body of {exchange.request_id}")
                how = await relay.done
                sending.cancel()
            return how
        except BaseException:  # the client has left, above all
            line.abort()
            raise
        finally:
            self._deadlines.forget(relay)
            relay.close()
            exchange.flow = None

    @staticmethod
    async def _send_body(relay: Relay, line: Line) -> None:
        """Pass the body on as fast as the service takes it, until it ends or nobody wants the rest."""
        exchange = relay.exchange
        body = exchange.body
        assert body is not None
        try:
            while data := await body.readany():
                exchange.received += len(data)
                relay.expect_body()
                if not line.write_body(data) or not await line.drained():
                    return
        except BadBody as fault:
            line.abort()
            exchange.close = True
            relay.end(Failure("bad-request", f"The body does not follow RFC 9112: {fault}.", stage="request"))
            return
        line.end_body()
        relay.expect_answer()

    # Waiting

    async def _held(self, exchange: Exchange, lane: Lane, deadline: float) -> Entry:
        """Wait for the service to come back; see `hold`."""
        backend = lane.backend
        began = self._now()
        backend.traffic.held += 1
        lane.traffic.held += 1
        try:
            return await backend.queue.serving(deadline)
        finally:
            backend.traffic.held -= 1
            lane.traffic.held -= 1
            exchange.held_s += self._now() - began

    async def _probed(
        self, exchange: Exchange, lane: Lane, entry: Entry, admission: Admission, deadline: float
    ) -> None:
        """The breaker refuses. Where a service that devgate has brought back is being probed, wait for the outcome.

        Raises:
            Failure: the breaker is open, or there is no time left to wait.
        """
        fuse = lane.backend.fuse
        left_s = deadline - self._now()
        if (
            entry.managed
            and fuse.breaker.state is BreakerState.HALF_OPEN
            and left_s > 0
            and lane.backend.traffic.held < CAPACITY
        ):
            await self._pause(exchange, lane, fuse.moved, min(left_s, PROBE_PAUSE_S))
            return
        last = fuse.row().last_cause
        raise Failure(
            "circuit-open",
            f"{lane.backend.name} has failed too often{f', last: {last}' if last else ''}.",
            hint="it is tried again by itself; reset the breaker to try it now",
            stage="breaker",
            retry_after_s=admission.retry_after_s,
        )

    async def _pause(
        self, exchange: Exchange, lane: Lane, moved: Callable[[], Awaitable[None]], longest_s: float
    ) -> None:
        """Wait for `moved`, at most `longest_s`; the client sees it as held."""
        began = self._now()
        lane.backend.traffic.held += 1
        try:
            async with asyncio.timeout(longest_s):
                await moved()
        except TimeoutError:
            pass
        finally:
            lane.backend.traffic.held -= 1
            exchange.held_s += self._now() - began

    # What is sent

    def _head(self, exchange: Exchange, lane: Lane, path: bytes) -> tuple[bytes, bytes]:
        """The request's head as the service gets it, before and after the `Host` line."""
        noted = exchange.fields.noted
        if self._mark in noted.get(b"via", b""):
            raise Failure(
                "loop",
                f"The request came back to this gateway by way of {lane.backend.name}.",
                hint="the service's address leads to the gateway itself",
                stage="route",
            )
        request_line = b"%b %b%b HTTP/1.1\r\n" % (exchange.method.encode(), path, exchange.query)
        lines = exchange.fields.lines
        if exchange.upgrade:
            lines.append(b"Connection: Upgrade\r\nUpgrade: websocket\r\n")
        elif b"te" in noted and b"trailers" in noted[b"te"].lower():
            lines.append(b"Connection: TE\r\nTE: trailers\r\n")
        lines += (
            request_framing(noted),
            max_forwards_line(exchange.method, noted),
            self._forwarded_lines(exchange, lane.route.prefix),
            b"X-Request-ID: %b\r\n" % exchange.request_id.encode(),
            self._via,
            b"\r\n",
        )
        return request_line, b"".join(lines)

    def _forwarded_lines(self, exchange: Exchange, prefix: bytes) -> bytes:
        client = exchange.client
        key = (client.peer, exchange.host, prefix)
        lines = self._forwarded.get(key)
        if lines is None:
            if len(self._forwarded) >= MEMO_SIZE:
                self._forwarded.clear()
            lines = self._forwarded[key] = forwarded_lines(client.peer, exchange.host, client.port, prefix)
        return lines

    def _way(self, instance: Instance) -> Way:
        way = self._ways.get(instance)
        endpoint = instance.endpoint
        assert endpoint is not None  # it serves
        if way is None or way.endpoint is not endpoint:
            # A service on 127.0.0.1 may have bound ::1 only; `localhost` tries both.
            host = "localhost" if endpoint.host == "127.0.0.1" else endpoint.host
            pool = self._pools.get(Origin(endpoint.scheme, host, endpoint.port), tls=self._context(endpoint))
            authority = endpoint.url.partition("://")[2].encode()
            way = Way(endpoint, pool, b"Host: %b\r\n" % authority, endpoint.url.encode())
            self._ways[instance] = way
        return way

    def _context(self, endpoint: Endpoint) -> ssl.SSLContext | None:
        if endpoint.scheme != "https":
            return None
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


def _framed(body: bytes, *, chunked: bool) -> bytes:
    """A whole body in the framing that the head announces."""
    if not chunked:
        return body
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"


def _mishap(error: UpstreamError, method: str) -> Mishap:
    return Mishap(
        dead_connection=error.replayable(idempotent=method in IDEMPOTENT),
        reached=error.sent_any,
        broke_off=error.kind in _BROKE_OFF,
    )


def _outcome(error: UpstreamError) -> Outcome:
    if error.kind in _OURS:
        return Outcome.IGNORED
    return Outcome.TIMEOUT if error.kind in _TIMEOUTS else Outcome.FAILURE


def _failure(error: UpstreamError, service: str) -> Failure:
    sentence = f"{service}: {error.detail}."
    return Failure(
        error.kind.value, sentence, stage=error.stage.value, retry_after_s=1 if error.kind is Kind.OVERLOADED else None
    )
