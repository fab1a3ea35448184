"""Sees to it that a request is answered as its route's `Recourse` says: from what is kept, by another try, by somebody else.

The order is that of SEMANTICS 3.10: a fresh kept answer; the service, with retries on other instances; the services that the
route names; a kept answer that is stale; the answer that stands in the profile; then the failure. Waiting for a service that
comes back, and sending again what a restart has swallowed, is `forward`'s and happens with or without this.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from devgate.gateway.cache.visit import Visit, conditional
from devgate.gateway.exchange import BadBody
from devgate.gateway.failures import Failure, mishap
from devgate.gateway.handlers.course import Course
from devgate.gateway.handlers.race import Race
from devgate.gateway.headers import SECURITY_LINES
from devgate.gateway.places import instance_of, place_of, side_of, why_there
from devgate.gateway.retrying import Retrying
from devgate.gateway.screened import Refused
from devgate.gateway.venture import Confirmed, Venture
from devgate.model.resilience import RetrySpec
from devgate.policy.retry import repeatable

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.clock import Clock
    from devgate.directory import Directory
    from devgate.gateway.exchange import Exchange
    from devgate.gateway.handlers.forward import Forward
    from devgate.gateway.lane import Lane
    from devgate.gateway.recourse import FixedAnswer
    from devgate.gateway.relay import Relay, Then
    from devgate.gateway.upstream.errors import UpstreamError

ABSENT: Final = frozenset(
    {"connect-refused", "connect-timeout", "reset", "dns", "tls", "bad-response", "truncated", "target-prohibited"}
    | {"response-timeout", "circuit-open", "no-healthy-instance", "hold-timeout", "stopped", "blocked", "crashed"}
    | {"overloaded"}
)
"""Failures that mean: the service has no answer. Others are the request's own fault, or ours."""
_READS: Final = frozenset({"GET", "HEAD"})
_ONE_TRY: Final = RetrySpec(attempts=0)


class Persistence:
    """The handler of routes with a `Recourse`.

    Args:
        draw: gives numbers in [0, 1).
    """

    def __init__(self, forward: Forward, directory: Directory, clock: Clock, draw: Callable[[], float]) -> None:
        self._forward = forward
        self._directory = directory
        self._clock = clock
        self._now = clock.now
        self._draw = draw

    def begin(self, exchange: Exchange, lane: Lane, path: bytes, then: Then) -> bool:
        """See `lane.Handler`; a kept answer is given at once."""
        recourse = lane.recourse
        assert recourse is not None
        if recourse.forgets_only and exchange.method in _READS:
            return self._forward.begin(exchange, lane, path, then)
        place = place_of(exchange, recourse)
        exchange.lane = there = recourse.sides[side_of(exchange, recourse, place)]
        venture = Venture(exchange, recourse, there, path, place, self._clock)
        if len(recourse.sides) > 1:
            venture.note("split", f"{there.backend.name}, {why_there(exchange, recourse, place)}")
        if recourse.cache is not None and recourse.store is not None and not exchange.upgrade:
            venture.visit = visit = Visit(exchange, there, recourse.cache, recourse.store, self._now())
            if not visit.forward:
                self._hit(venture, visit)
                return False
        exchange.head = self._forward.head(exchange, there, path)
        exchange.venture = venture
        return False

    async def see_through(
        self, exchange: Exchange, relay: Relay | None = None, error: UpstreamError | None = None
    ) -> None:
        """See `Forward.see_through`."""
        if relay is not None or exchange.lane is None or exchange.lane.recourse is not None:
            await self._forward.see_through(exchange, relay, error)  # `begin` has left it to `forward`
            return
        venture = exchange.venture
        del exchange.venture  # no cycle, so that a request leaves nothing for the collector
        try:
            if venture.visit is None or not await self._from_store(venture, venture.visit):
                await self._from_services(venture)
        finally:
            venture.close()

    # From the store

    def _hit(self, venture: Venture, visit: Visit) -> None:
        assert visit.entry is not None
        now, freshness = self._now(), visit.entry.freshness
        left_s = freshness.left_s(now)
        good = f"good for {left_s:.0f} s more" if left_s > 0 else "stale, which the client permits"
        venture.note(
            "cache",
            f"a kept answer of {visit.lane.backend.name} was given, {freshness.age_s(now):.0f} s old and {good}",
        )
        visit.hit(now)

    async def _from_store(self, venture: Venture, visit: Visit) -> bool:
        """Answer with what another request brings that is under way. False: ask the service."""
        flights = venture.recourse.flights
        if flights is not None and visit.joins:
            flight = flights.join(visit.key)
            if flight is None:
                venture.flight = visit.key
            else:
                venture.collapsed = True
                venture.note("cache", "waited for what another request for the same brings")
                try:
                    async with asyncio.timeout(venture.lane.response_s):
                        await flight.wait()
                except TimeoutError:
                    pass
                if visit.look(self._now()):
                    self._hit(venture, visit)
                    return True
        if b"only-if-cached" in visit.asked and visit.takes_part:
            raise Failure("not-kept", "No kept answer can be used for this request.", stage="cache")
        if (passing := visit.ask()) is not None:
            conditional(venture.exchange, passing)
            venture.exchange.head = self._forward.head(venture.exchange, venture.lane, venture.path)
            venture.asking = True
        return False

    def _confirmed(self, venture: Venture) -> None:
        visit = venture.visit
        assert visit is not None
        assert visit.entry is not None
        venture.note("cache", "the kept answer is still good, says the service")
        now = self._now()
        told = b"fwd=stale; fwd-status=304; stored; ttl=%d" % visit.entry.freshness.left_s(now)
        visit.serve(now, status=told, mark=b"REVALIDATED")

    # From services

    async def _from_services(self, venture: Venture) -> None:
        exchange, recourse, lane = venture.exchange, venture.recourse, venture.lane
        entry = self._directory.get(lane.backend.name)
        retry = recourse.retry
        if retry is None and entry is not None and len(entry.takers(exchange.method)) > 1:
            retry = recourse.elsewhere
        spec = retry or _ONE_TRY
        safe = repeatable(exchange.method, keyed=bool(exchange.header(b"idempotency-key")), spec=spec)
        if retry is not None or recourse.peers:
            await self._take_in(exchange, spec.body, lane.idle_s)
        if retry is not None:
            venture.retrying = Retrying(
                spec,
                lane.backend.budget,
                lambda: 0 if entry is None else sum(one.in_flight for one in entry.instances),
                safe=safe,
                deadline=lambda: exchange.arrived + exchange.held_s + recourse.patience_s,
                now=self._now,
                draw=self._draw,
            )
        peers = recourse.peers if venture.whole_request else ()
        venture.may_step = partial(self._may_step, venture, peers if safe else ())
        course = Course(self._now() + lane.hold_s, None, screen=venture, retry=venture.retrying)
        if entry is not None:
            course.chosen = instance_of(exchange, recourse, venture.place, entry)
        if recourse.hedge is not None and exchange.method in _READS:
            course.race = Race(
                venture,
                lane,
                recourse.hedge,
                self._directory,
                self._now,
                partial(self._forward.relay, exchange, lane, screen=venture),
            )
        try:
            await self._forward.persist(exchange, lane, course)
        except Confirmed:
            self._confirmed(venture)
        except (Failure, Refused) as failure:
            if exchange.started or failure.code not in ABSENT:
                raise
            await self._fall_back(venture, failure, peers if safe or not course.reached else (), safe=safe)

    async def _take_in(self, exchange: Exchange, limit: int, idle_s: float | None) -> None:
        """Wait for the whole body, so that it can be sent more than once; larger ones pass as they come."""
        body, noted = exchange.body, exchange.greeting.noted
        if body is None or exchange.whole_body is not None or b"expect" in noted:
            return
        length = noted.get(b"content-length")
        if length is None or int(length) > limit:
            return
        pieces: list[bytes] = []
        try:
            async with asyncio.timeout(idle_s):
                while piece := await body.readany():
                    pieces.append(piece)
                    exchange.received += len(piece)
        except TimeoutError:
            exchange.close = True
            raise Failure(
                "request-timeout", "The rest of the request did not arrive in time.", stage="request"
            ) from None
        except BadBody as fault:
            exchange.close = True
            raise Failure(fault.code, fault.sentence, stage="request") from None
        exchange.whole_body = b"".join(pieces)

    # From somebody else

    async def _fall_back(
        self, venture: Venture, failure: Failure | Refused, peers: tuple[Lane, ...], *, safe: bool
    ) -> None:
        """The route's own service has no answer."""
        if isinstance(failure, Failure):
            venture.note("fallback", f"because of {failure.code}: {failure.message}", "warn")
        exchange, recourse = venture.exchange, venture.recourse
        venture.land()
        venture.mishap = mishap(failure.code, failure.received if isinstance(failure, Refused) else 0)
        exchange.greeting = venture.greeting
        for at, peer in enumerate(peers, 1):
            if not self._serves(peer):
                continue
            venture.stepped = "peer"
            venture.may_step = partial(self._may_step, venture, peers[at:] if safe else ())
            venture.note("fallback", f"peer: {peer.backend.name} is asked instead", "warn")
            exchange.lane = peer
            exchange.head = self._forward.head(exchange, peer, venture.path)
            course = Course(0.0, None, screen=venture)
            try:
                await self._forward.persist(exchange, peer, course)
            except (Failure, Refused) as another:
                if exchange.started or another.code not in ABSENT:
                    raise
                if course.reached and not safe:
                    break
            else:
                return
        exchange.lane = venture.lane
        if venture.stale:
            self._stale(venture)
        elif recourse.answer is not None:
            self._fixed(venture, recourse.answer)
        elif isinstance(failure, Refused):
            detail = f"{venture.lane.backend.name}: {failure.detail}."
            raise Failure("bad-response", detail, stage=failure.stage.value) from None
        else:
            raise failure

    def _serves(self, lane: Lane) -> bool:
        entry = self._directory.get(lane.backend.name)
        return entry is not None and bool(entry.serving)

    def _may_step(self, venture: Venture, peers: tuple[Lane, ...]) -> bool:
        return venture.recourse.answer is not None or any(map(self._serves, peers))

    def _stale(self, venture: Venture) -> None:
        visit = venture.visit
        assert visit is not None
        assert visit.entry is not None
        now = self._now()
        age_s = visit.entry.freshness.age_s(now)
        venture.note(
            "fallback", f"stale: a kept answer of {visit.lane.backend.name} was given, {age_s:.0f} s old", "warn"
        )
        venture.exchange.instance = None
        told = b'hit; ttl=%d; detail="stale-if-error"' % visit.entry.freshness.left_s(now)
        visit.serve(now, status=told, mark=b"STALE", lines=venture.told_of("stale"))

    def _fixed(self, venture: Venture, answer: FixedAnswer) -> None:
        exchange = venture.exchange
        venture.note("fallback", "static: the answer in the profile was given", "warn")
        exchange.instance = None
        cors = exchange.cors
        lines = b"%b%bX-Request-ID: %b\r\n%b%b%b" % (
            answer.lines,
            b"".join(b"%b: %b\r\n" % field for field in venture.told_of("static")),
            exchange.id,
            SECURITY_LINES if venture.lane.security else b"",
            cors.lines if cors is not None else b"",
            exchange.extra,
        )
        exchange.answer(answer.status, lines, answer.body)
