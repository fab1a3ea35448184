"""The way of one request through the rules, in the order that SEMANTICS 3.0 gives, and why it is that order.

    request id      first, so that whatever goes wrong has a name
    request line    its syntax and, as nothing else decides on it, which route it leads to; remembered by the line
    Host            before anything is said about that: a rebound name must not even learn that there are routes
    Origin          before routes and services: a preflight carries no credentials and must be answered while the service is down
    own paths       health; after Origin, because page code wants to read it
    limits          of clients, paths and the whole: before there is a route
    route           where host and headers have a say in it
    the route's own gates and steps (`middleware`): limits of users, changed headers, faults on demand
    lifecycle       hold or refuse, before the breaker is asked: a service that devgate brings back is not a failing one
    breaker, attempts, answer filters: `handlers.forward`; `handlers.persistence` round it, where a route wants a cache, retries,
                    a second attempt, a share for others or a fallback

`serve` is the boundary: a `Failure` becomes an answer, a bug becomes a 500 with the request's id, and neither reaches the
listener. It returns at once; what has to be waited for is done in the connection's own task.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from devgate.gateway import request_id
from devgate.gateway.capture import NEVER
from devgate.gateway.failures import Failure, Scene, render, wants_page
from devgate.gateway.handlers import builtin
from devgate.gateway.leaving import depart
from devgate.gateway.middleware.debug import attempts_line
from devgate.gateway.mishaps import settle
from devgate.gateway.reception import choose, receive
from devgate.gateway.upstream.errors import UpstreamError
from devgate.policy.cors import VARY

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.clock import Clock
    from devgate.errors import DevgateError
    from devgate.gateway.exchange import Exchange
    from devgate.gateway.lane import Lane
    from devgate.gateway.middleware.chain import Chain, Serve
    from devgate.gateway.record import Ring
    from devgate.gateway.relay import Relay
    from devgate.gateway.rules import Rules
    from devgate.gateway.stats import Traffic
    from devgate.model.snapshot import Snapshot

log = logging.getLogger(__name__)

BROKEN: Final = frozenset({"truncated", "reset", "bad-response", "response-timeout", "internal"})
"""What can go wrong after the head is out: failed, whatever the status said."""


class Pipeline:
    """Serves exchanges."""

    def __init__(
        self,
        rules: Rules,
        snapshot: Callable[[], Snapshot],
        traffic: Traffic,
        ring: Ring,
        clock: Clock,
    ) -> None:
        self.rules = rules
        self.draining = False
        """Whether devgate is about to end: every request is refused but for those about the gateway itself."""
        self.begun = 0
        """Requests so far."""
        self._snapshot = snapshot
        self._traffic = traffic
        """Of what belongs to no route."""
        self._ring = ring
        self._now = clock.now
        self._wall = clock.wall
        self._mint = request_id.RequestIds()

    def serve(self, exchange: Exchange) -> None:
        """Answer one request, whatever happens. `exchange.client.finished` is called when that is done."""
        self.begun += 1
        try:
            if self._pass_on(exchange):
                return
        except Failure as failure:
            self._fail(exchange, failure)
        except Exception:
            self._apologise(exchange)
        self._finish(exchange)

    def refuse(self, exchange: Exchange, code: str, detail: str) -> None:
        """Answer a request whose head does not parse, so that nothing is known about it."""
        self.begun += 1
        exchange.close = True
        exchange.id = self._mint()
        self._fail(exchange, Failure(code, detail, stage="syntax"))
        self._finish(exchange)

    def lose(self, exchange: Exchange) -> None:
        """The client has left, or was made to: nothing is called off yet."""
        if not exchange.error:
            if self.draining:
                exchange.error = "cut"
            else:
                depart(exchange)

    def abandon(self, exchange: Exchange) -> None:
        """The client has left a request that no task is busy with, as `lose` was told."""
        if exchange.flow is not None:
            exchange.flow.leave()
        self._finish(exchange)

    def _pass_on(self, exchange: Exchange) -> bool:
        """Take a request through the rules. False if it is answered already."""
        rules = self.rules
        if self.draining:
            exchange.close = True
        errand = receive(rules, exchange, self._mint)
        if errand is None:
            exchange.counted = False
            return False
        if errand.own is not None:
            self._answer_own(exchange, errand.own)
            return False
        if self.draining:
            raise Failure("draining", "devgate is shutting down.", stage="lifecycle")
        if rules.gate is not None:
            rules.gate(exchange)
        match = errand.match or choose(rules, exchange)
        exchange.route = route = match.route
        lane = rules.lanes[route.index]
        if lane.chain is not None and self._chained(exchange, lane, lane.chain, match.path):
            return True
        if not lane.handler.begin(exchange, lane, match.path, self._settled):
            if exchange.started:
                return False
            exchange.traced().sent_s = NEVER
            exchange.client.run(self._see_through(exchange, lane.handler.see_through))
        return True

    def _chained(self, exchange: Exchange, lane: Lane, chain: Chain, path: bytes) -> bool:
        """Take a request through what its route has beyond forwarding. False if nothing of that stands round the forwarding."""
        exchange.lane = lane
        for gate in chain.gates:
            gate(exchange)
        if chain.steps:
            exchange.client.run(
                self._see_through(exchange, partial(chain.serve, last=partial(self._serve, lane, path)))
            )
        return bool(chain.steps)

    async def _serve(self, lane: Lane, path: bytes, exchange: Exchange) -> None:
        """Forward a request within a step: what `_pass_on`, `_settled` and `_see_through` do for others."""
        ended: asyncio.Future[tuple[Relay, DevgateError | None]] = asyncio.get_running_loop().create_future()
        handler = lane.handler
        if not handler.begin(exchange, lane, path, lambda relay, how: ended.set_result((relay, how))):
            if not exchange.started:
                exchange.traced().sent_s = NEVER
                await handler.see_through(exchange)
            return
        try:
            relay, how = await ended
        except asyncio.CancelledError:
            if exchange.flow is not None:
                exchange.flow.leave()
            raise
        error = settle(relay, how)
        if isinstance(error, UpstreamError):
            await handler.see_through(exchange, relay, error)
        elif error is not None:
            raise error

    def _settled(self, relay: Relay, how: DevgateError | None) -> None:
        """The attempt that was made at once has ended."""
        exchange = relay.exchange
        error = settle(relay, how)
        if isinstance(error, UpstreamError):
            assert exchange.lane is not None
            serve = partial(exchange.lane.handler.see_through, relay=relay, error=error)
            exchange.client.run(self._see_through(exchange, serve))
            return
        if isinstance(error, Failure):
            self._fail(exchange, error)
        self._finish(exchange)

    async def _see_through(self, exchange: Exchange, serve: Serve) -> None:
        try:
            await serve(exchange)
        except Failure as failure:
            self._fail(exchange, failure)
        except Exception:
            self._apologise(exchange)
        finally:
            self._finish(exchange)

    def _answer_own(self, exchange: Exchange, view: builtin.View) -> None:
        if exchange.method not in ("GET", "HEAD"):
            allow = b"Allow: GET, HEAD\r\n"
            raise Failure("method-not-allowed", "The gateway's own paths are only read.", stage="builtin", lines=allow)
        builtin.answer(exchange, view, self._snapshot())

    def _fail(self, exchange: Exchange, failure: Failure) -> None:
        exchange.error = failure.code
        exchange.counted = failure.stage != "preflight"
        exchange.traced().why = (failure.stage, failure.message, failure.hint)
        if failure.code == "bad-request":
            exchange.close = True  # who is not understood once is not trusted with a second request (RFC 9112 11.2)
        if exchange.started:  # whatever is written now would be taken for a part of the answer
            exchange.close = True
            exchange.client.abort()
            return
        html = wants_page(exchange.header(b"accept"), exchange.header(b"sec-fetch-dest"))
        cors, lane, route = exchange.cors, exchange.lane, exchange.route
        scene = Scene(
            request_id=exchange.request_id,
            path=exchange.path.partition(b"?")[0],  # of what does not parse, it is still the whole target
            wall=self._wall(),
            service=lane.backend.name if lane is not None else route.spec.service if route is not None else "",
            route=route.id if route is not None else "",
            cors=cors.lines if cors is not None else VARY,
            html=html,
            attempts=exchange.traced().attempts,
        )
        lines, body = render(failure, scene)
        if self.rules.debug_headers and exchange.lane is not None:
            lines += attempts_line(scene.attempts)
        exchange.answer(failure.status, lines + exchange.extra, body)

    def _apologise(self, exchange: Exchange) -> None:
        log.exception("bug while serving request %s", exchange.request_id)
        self._fail(
            exchange,
            Failure(
                "internal",
                f"Request {exchange.request_id} ran into a bug of devgate; its log has the traceback.",
                stage="internal",
            ),
        )

    def _finish(self, exchange: Exchange) -> None:
        """Count and remember a request that is done. Answered preflights are nobody's traffic; refused ones are remembered, for
        somebody will be looking for the reason."""
        now = self._now()
        if exchange.counted or exchange.error:
            self._ring.add(exchange, now, self._wall())
        if exchange.counted:
            lane = exchange.lane
            streamed = exchange.kind != "http" or (lane is not None and lane.stream)
            traffic = self._traffic if lane is None else lane.traffic
            failed = exchange.status >= 500 or exchange.error in BROKEN
            traffic.add(now, exchange.status, None if streamed else now - exchange.arrived, failed=failed)
        exchange.client.finished()
