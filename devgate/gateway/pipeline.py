"""The way of one request through the rules, in the order that SEMANTICS 3.0 gives, and why it is that order.

    request id      first, so that whatever goes wrong has a name
    Host            before everything else: a rebound name must not even learn that there are routes
    target          its syntax; everything later works on the raw path
    Origin          before routes and services: a preflight carries no credentials and must be answered while the service is down
    own paths       health; after Origin, because page code wants to read it
    route           decides who may pass, so the path is checked for tricks here
    lifecycle       hold or refuse, before the breaker is asked: a service that devgate brings back is not a failing one
    breaker, attempts, answer filters: `handlers.forward`

`serve` is the boundary: a `Failure` becomes an answer, a bug becomes a 500 with the request's id, and neither reaches the
listener.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devgate.gateway import request_id
from devgate.gateway.failures import Failure, Scene, render, wants_page
from devgate.gateway.handlers import builtin
from devgate.gateway.headers import ends_here, read_request
from devgate.gateway.table import NoMatch
from devgate.gateway.target import BadTarget, parse
from devgate.policy.cors import VARY, explain_refusal
from devgate.policy.host import HostVerdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.clock import Clock
    from devgate.gateway.exchange import Exchange
    from devgate.gateway.handlers.forward import Forward
    from devgate.gateway.lane import Lane
    from devgate.gateway.record import Ring
    from devgate.gateway.stats import Traffic
    from devgate.gateway.table import RoutingTable
    from devgate.gateway.target import Target
    from devgate.model.snapshot import Snapshot
    from devgate.policy.cors import CorsPolicy
    from devgate.policy.host import HostPolicy

log = logging.getLogger(__name__)

BROKEN: Final = frozenset({"truncated", "reset", "bad-response", "response-timeout", "internal"})
"""What can go wrong after the head is out: failed, whatever the status said."""

_ALLOW: Final = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"


@dataclass(frozen=True, slots=True)
class Rules:
    """What one profile says about requests. Replaced as a whole; a request keeps the rules it began with."""

    table: RoutingTable
    lanes: tuple[Lane, ...]
    """By `Route.index`."""
    hosts: HostPolicy
    cors: CorsPolicy
    health: bool
    """Whether `/health` is ours."""
    hints: bool
    """Whether a 404 names routes."""


class Pipeline:
    """Serves exchanges, one task each."""

    def __init__(
        self,
        rules: Rules,
        forward: Forward,
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
        self._forward = forward
        self._snapshot = snapshot
        self._traffic = traffic
        self._ring = ring
        self._clock = clock
        self._now = clock.now
        self._mint = request_id.RequestIds()

    async def serve(self, exchange: Exchange) -> None:
        """Answer one request, whatever happens."""
        lane = None
        counted = True
        self.begun += 1
        self._traffic.in_flight += 1
        try:
            rules = self.rules
            if self._greet(rules, exchange):
                counted = False
                return
            if exchange.path.startswith(builtin.RESERVED) and self._answer_own(rules, exchange):
                return
            if self.draining:
                raise Failure("draining", "devgate is shutting down.", stage="lifecycle", retry_after_s=1)
            lane, path = self._route(rules, exchange)
            await self._forward(exchange, lane, path, rules.cors)
        except Failure as failure:
            counted = failure.stage != "preflight"
            self._fail(exchange, failure)
        except asyncio.CancelledError:
            exchange.error = exchange.error or ("cut" if self.draining else "client-left")
            raise
        except Exception:
            self._apologise(exchange)
        finally:
            self._traffic.in_flight -= 1
            self._note(exchange, lane, counted=counted)

    def refuse(self, exchange: Exchange, code: str, detail: str) -> None:
        """Answer a request whose head does not parse, so that nothing is known about it."""
        exchange.close = True
        exchange.request_id = self._mint()
        self._fail(exchange, Failure(code, detail, stage="syntax"))
        self._note(exchange, None, counted=True)

    def _greet(self, rules: Rules, exchange: Exchange) -> bool:
        """Everything that is asked of any request, before it is known what it wants. True if that was all: a preflight."""
        exchange.fields = read_request(exchange.raw_headers)
        noted = exchange.fields.noted
        given = noted.get(b"x-request-id", b"")
        exchange.request_id = given.decode() if request_id.accepted(given) else self._mint()
        exchange.close = exchange.close or self.draining
        method = exchange.method
        target, fault = _parse(exchange, noted)
        host = noted.get(b"host", b"") if target is None or target.authority is None else target.authority
        if host or not exchange.http10:
            verdict = rules.hosts.judge(host)
            if verdict is not HostVerdict.OURS:
                raise _foreign_host(host, verdict)
        exchange.host = host
        origin = noted.get(b"origin")
        exchange.cors = cors = rules.cors.judge(origin, host)
        if fault is not None:
            raise fault
        assert target is not None
        if exchange.upgrade and noted.get(b"upgrade", b"").lower() != b"websocket":
            exchange.upgrade = False  # h2c and the like: an offer that may be declined, and is (RFC 9110 7.8)
            exchange.close = True  # what follows the head is lost in aiohttp's parser
        exchange.path, exchange.query = target.path, target.query
        if method == "OPTIONS":
            if origin is not None and (asked := noted.get(b"access-control-request-method")) is not None:
                _answer_preflight(rules.cors, exchange, asked)
                return True
            if target.path == b"*" or ends_here(noted):
                exchange.answer(204, b"Allow: %b\r\n%b" % (_ALLOW, cors.lines))
                return True
        if not cors.allowed and cors.refuses(method, upgrade=exchange.upgrade):
            sentence, hint = explain_refusal(cors.origin, rules.cors.origins)
            raise Failure("origin-not-allowed", sentence, hint=hint, stage="cors")
        return False

    def _answer_own(self, rules: Rules, exchange: Exchange) -> bool:
        """Answer a path of the gateway's own. False if it is not one."""
        view = builtin.find(exchange.path, plain=rules.health)
        if view is None:
            return False
        if exchange.method not in ("GET", "HEAD"):
            allow = b"Allow: GET, HEAD\r\n"
            raise Failure("method-not-allowed", "The gateway's own paths are only read.", stage="builtin", lines=allow)
        builtin.answer(exchange, view, self._snapshot())
        return True

    @staticmethod
    def _route(rules: Rules, exchange: Exchange) -> tuple[Lane, bytes]:
        try:
            found = rules.table.match(exchange.method, exchange.path, exchange.host, exchange.raw_headers)
        except BadTarget as fault:
            raise Failure("bad-request", f"The path is refused: {fault}.", stage="route") from None
        if isinstance(found, NoMatch):
            raise _no_route(rules, exchange, found)
        exchange.route = found.route
        return rules.lanes[found.route.index], found.path

    def _fail(self, exchange: Exchange, failure: Failure) -> None:
        exchange.error = failure.code
        if failure.code == "bad-request":
            exchange.close = True  # who is not understood once is not trusted with a second request (RFC 9112 11.2)
        if exchange.started:  # whatever is written now would be taken for a part of the answer
            exchange.close = True
            exchange.client.abort()
            return
        html = wants_page(exchange.header(b"accept"), exchange.header(b"sec-fetch-dest"))
        cors = exchange.cors
        scene = Scene(
            request_id=exchange.request_id,
            path=exchange.path,
            wall=self._clock.wall(),
            service=exchange.route.spec.service if exchange.route is not None else "",
            route=exchange.route.id if exchange.route is not None else "",
            cors=cors.lines if cors is not None else VARY,
            html=html,
        )
        lines, body = render(failure, scene)
        exchange.answer(failure.status, lines, body)

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

    def _note(self, exchange: Exchange, lane: Lane | None, *, counted: bool) -> None:
        """Count and remember a request that is done. Answered preflights are nobody's traffic; refused ones are remembered, for
        somebody will be looking for the reason."""
        now = self._now()
        if counted or exchange.error:
            self._ring.add(exchange, now, self._clock.wall())
        if not counted:
            return
        streamed = exchange.kind != "http" or (lane is not None and lane.stream)
        took_s = None if streamed else now - exchange.arrived
        failed = exchange.status >= 500 or exchange.error in BROKEN
        self._traffic.add(now, exchange.status, took_s, failed=failed)
        if lane is not None:
            lane.traffic.add(now, exchange.status, took_s, failed=failed)
            lane.backend.traffic.add(now, exchange.status, took_s, failed=failed)


def _parse(exchange: Exchange, noted: dict[bytes, bytes]) -> tuple[Target | None, Failure | None]:
    """The target, or what is wrong with it or with the framing."""
    if exchange.method in ("CONNECT", "TRACE"):
        # A tunnel to anywhere, and an echo of what other hops have added: a gateway has use for neither.
        return None, Failure(
            "method-not-allowed",
            f"{exchange.method} is not forwarded.",
            stage="syntax",
            lines=b"Allow: %b\r\n" % _ALLOW,
        )
    coding = noted.get(b"transfer-encoding")
    if coding is not None and (exchange.http10 or coding.lower() != b"chunked"):
        why = "HTTP/1.0 knows none" if exchange.http10 else "only chunked is understood"
        return None, Failure("bad-request", f"The Transfer-Encoding is refused: {why}.", stage="syntax")  # RFC 9112 6.1
    try:
        return parse(exchange.method, exchange.target), None
    except BadTarget as fault:
        return None, Failure("bad-request", f"The request target is refused: {fault}.", stage="syntax")


def _answer_preflight(cors: CorsPolicy, exchange: Exchange, asked: bytes) -> None:
    noted = exchange.fields.noted
    verdict = exchange.cors
    assert verdict is not None
    private = noted.get(b"access-control-request-private-network", b"").lower() == b"true"
    granted = cors.preflight(verdict, asked, noted.get(b"access-control-request-headers"), private_network=private)
    if granted.refusal:
        # A bare 204 would refuse as well; this shows in the browser's network panel.
        raise Failure("origin-not-allowed", granted.refusal, hint=granted.hint, stage="preflight", cors=False)
    exchange.answer(204, granted.lines)


def _foreign_host(host: bytes, verdict: HostVerdict) -> Failure:
    name = host.decode("latin-1")
    if verdict is HostVerdict.MALFORMED:
        return Failure("bad-request", "The Host header is malformed.", stage="host", cors=False)
    return Failure(
        "host-not-allowed",
        f"The gateway is not called {name!r}.",
        hint="call it by its address or localhost, or add the name to gateway.hosts",
        stage="host",
        cors=False,
    )


def _no_route(rules: Rules, exchange: Exchange, found: NoMatch) -> Failure:
    path = exchange.path.decode("utf-8", "replace")
    if found.allow:
        allow = ", ".join(found.allow)
        return Failure(
            "method-not-allowed",
            f"{path} takes {allow}, not {exchange.method}.",
            stage="route",
            lines=b"Allow: %b\r\n" % allow.encode(),
        )
    near = rules.table.nearest(exchange.path) if rules.hints else ()
    hint = f"the nearest routes are {', '.join(near)}" if near else ""
    return Failure("no-route", f"No route matches {exchange.method} {path}.", hint=hint, stage="route")
