"""Sends a request to its service and sees to it that it is answered: hold, breaker, attempts, rescue.

Most requests find everything at hand: an instance, a closed breaker, an idle connection, no body that is still to come. Those are
sent by `begin` at once, within the call that read them from the socket, and answered within the call that reads the answer: no
task is woken. Whatever has to be waited for goes through `see_through`, which makes one attempt after another.

Everything that may let the next attempt succeed is tried before the client hears of a failure: another connection where a kept
one was dead, waiting where the service is being brought back, another instance where there is one. What the client hears in the
end is a `Failure` with the stage at which it happened.
"""

from __future__ import annotations

import asyncio
import math
from functools import partial
from typing import TYPE_CHECKING, Final

from devgate.gateway.frames import GOING_AWAY
from devgate.gateway.handlers.course import Course
from devgate.gateway.handlers.sending import request, stream, take_whole
from devgate.gateway.handlers.waiting import Waiting
from devgate.gateway.mishaps import BROKE_OFF, blame, failure_of, give_up, mishap_of, note, settle
from devgate.gateway.relay import Common, Relay
from devgate.gateway.retrying import EXHAUSTED, UNREACHABLE
from devgate.gateway.screened import Refused, Screened
from devgate.gateway.upstream.errors import Kind, UpstreamError
from devgate.gateway.ways import Ways
from devgate.policy.breaker import Outcome
from devgate.policy.rescue import IDEMPOTENT, Rescue, decide

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.clock import Clock
    from devgate.directory import Directory, Entry, Instance
    from devgate.errors import DevgateError
    from devgate.gateway.deadlines import Deadlines
    from devgate.gateway.exchange import Exchange
    from devgate.gateway.lane import Backend, Lane
    from devgate.gateway.relay import Then
    from devgate.gateway.screened import Screen
    from devgate.policy.breaker import Admission

SUSPICION_S: Final = 2.0
"""How long a service may refuse connections while it counts as ready. A crash is seen within half a second; what refuses longer
is broken in another way, and the client is told."""


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
        self._waiting = Waiting(directory, suspect, clock.now)
        self._now = clock.now
        self._common = Common(clock.now, deadlines)
        self._ways = Ways(clock.now, pseudonym)

    def begin(self, exchange: Exchange, lane: Lane, path: bytes, then: Then) -> bool:
        """Send `exchange` with the raw `path`, if nothing has to be waited for; `then` is called when that attempt has ended, and
        hands it to `settle`. Otherwise `see_through` is the way.

        Raises:
            Failure: the request has come round in a circle.
        """
        exchange.lane = lane
        exchange.head = self._ways.head(exchange, lane, path)
        backend = lane.backend
        admission = backend.fuse.breaker.passing
        entry = self._directory.get(backend.name)
        if admission is None or entry is None or not entry.best or backend.queue.turns or not take_whole(exchange):
            return False
        exchange.instance = instance = backend.balance.pick(entry.best)
        way = self._ways.to(instance)
        line = way.pool.take_idle(certain=exchange.method not in IDEMPOTENT)
        if line is None:
            return False
        relay = Relay(exchange, lane, instance, admission, self._common, then)
        try:
            relay.send(line, request(exchange, way), way.origins)
        except UpstreamError:
            relay.leave()
            return False
        return True

    def head(self, exchange: Exchange, lane: Lane, path: bytes) -> tuple[bytes, bytes]:
        """See `Ways.head`."""
        return self._ways.head(exchange, lane, path)

    def relay(
        self, exchange: Exchange, lane: Lane, instance: Instance, admission: Admission, screen: Screen | None
    ) -> Relay:
        """A further attempt; its answer is looked at by `screen`, if there is one."""
        exchange.traced().attempts += 1
        if screen is None:
            return Relay(exchange, lane, instance, admission, self._common, _nobody)
        return Screened(exchange, lane, instance, admission, self._common, _nobody, screen)

    def retain(self, remote: frozenset[str]) -> None:
        """Forget the ways to instances that are gone, and close the connections that nobody will use; see `Ways.retain`."""
        self._ways.retain({instance for entry in self._directory for instance in entry.instances}, remote)

    def leave(self) -> None:
        """The gateway is about to end: long-lived answers are told so, and end."""
        self._common.close_code = GOING_AWAY

    def cut_streams(self) -> None:
        for relay in tuple(self._common.streams):
            relay.cut()

    async def aclose(self) -> None:
        await self._ways.aclose()

    async def see_through(
        self, exchange: Exchange, relay: Relay | None = None, error: UpstreamError | None = None
    ) -> None:
        """Have `exchange` answered, however many attempts that takes; `begin` was asked first.

        Args:
            relay: the attempt that `begin` has made, if any,
            error: and what ended it.

        Raises:
            Failure: no answer, and none of the service's bytes has reached the client.
        """
        lane = exchange.lane
        assert lane is not None
        if relay is not None:
            exchange.traced().attempts += 1
        course = Course(self._now() + lane.hold_s, chosen=exchange.instance if relay is None else None)
        await self.persist(exchange, lane, course, relay, error)

    async def persist(
        self,
        exchange: Exchange,
        lane: Lane,
        course: Course,
        relay: Relay | None = None,
        error: UpstreamError | None = None,
    ) -> None:
        """Make one attempt after another at the service of `lane`.

        Raises:
            Failure: see `see_through`.
            Refused: the screen has kept the last answer back.
        """
        while True:
            if relay is None or error is None:
                relay = await self._next(exchange, lane, course)
                attempt = partial(self._attempt, careful=course.replays > 0)
                if course.race is None:
                    error = await attempt(relay)
                else:
                    relay, error = await course.race.run(relay, attempt)
            if error is None:
                return
            course.reached |= error.sent_any
            if isinstance(error, Refused) and not error.again:
                note(relay, error, "refused")
                raise error
            entry = self._directory.get(lane.backend.name)
            managed = entry is not None and entry.managed
            whole = exchange.body is None or exchange.whole_body is not None or exchange.received == 0
            rescue = decide(
                mishap_of(error, exchange.method),
                exchange.method,
                whole=whole,
                returning=managed or (error.kind is Kind.CONNECT_REFUSED and self._now() < course.deadline),
                replays=course.replays,
                resends=course.resends,
            )
            now = self._now()
            # What somebody else runs is no crash that will be noticed: it is waited for as long as the profile says.
            suspicion_s = SUSPICION_S if managed else math.inf
            course.suspected_until = course.suspected_until or min(course.deadline, now + suspicion_s)
            lost = rescue is Rescue.GIVE_UP or (rescue is Rescue.WAIT and now >= course.suspected_until)
            if lost and course.retry is not None and course.retry.grants(error, whole=whole):
                blame(relay, error)
                note(relay, error, "retry")
                course.tried.append(relay.instance)
                if error.kind in UNREACHABLE:
                    self._suspect(lane.backend.name, relay.instance.replica)
                    lane.backend.fuse.outliers.refused(relay.instance)
                await asyncio.sleep(course.retry.pause_s)
                relay = error = None
                continue
            note(relay, error, rescue.value)
            if lost and course.retry is not None and course.retry.exhausted:
                exchange.traced().steps.append(EXHAUSTED)
            if lost:
                give_up(relay, error)
                if managed and error.kind in BROKE_OFF:
                    self._suspect(lane.backend.name, relay.instance.replica)
                raise failure_of(error, lane.backend.name)
            relay.cast(Outcome.IGNORED)
            if rescue is Rescue.REPLAY:
                course.replays += 1
            else:
                course.resends += error.sent_any
                await self._waiting.look_elsewhere(exchange, lane, course, relay.instance)
            relay = error = None

    async def _next(self, exchange: Exchange, lane: Lane, course: Course) -> Relay:
        """The next attempt, when there is somebody to make it with."""
        backend = lane.backend
        while True:
            entry = self._directory.get(backend.name)
            if entry is None or not entry.serving or backend.queue.turns:
                entry = await self._waiting.held(exchange, lane, course.deadline)
                course.suspected_until = 0.0
                course.tried.clear()
            takers = entry.takers(exchange.method)
            if not takers:
                await self._waiting.sound(exchange, lane, entry, course.deadline)
                continue
            admission = backend.fuse.admit()
            if admission.admitted:
                if admission.slot:
                    exchange.traced().note(
                        "breaker", f"half open: this request tries whether {backend.name} works again", "warn"
                    )
                instance, course.chosen = course.chosen, None
                if instance not in takers or (instance.shunned and instance not in entry.best):
                    instance = _pick(backend, entry, takers, course)
                return self.relay(exchange, lane, instance, admission, course.screen)
            await self._waiting.probed(exchange, lane, entry, admission, course.deadline)

    async def _attempt(self, relay: Relay, *, careful: bool) -> UpstreamError | None:
        """Send the request once. None when it is answered, or broken off in the middle of the answer; otherwise what failed, and
        the client has seen nothing."""
        exchange, lane = relay.exchange, relay.exchange.lane
        assert lane is not None
        way = self._ways.to(relay.instance)
        certain = careful or exchange.method not in IDEMPOTENT
        ended: asyncio.Future[DevgateError | None] = asyncio.get_running_loop().create_future()

        def tell(_relay: Relay, how: DevgateError | None) -> None:
            if not ended.done():
                ended.set_result(how)

        relay.then = tell
        try:
            line = way.pool.take_idle(certain=certain)
            if line is None:
                limit = None if lane.response_s is None else self._now() + lane.response_s
                exchange.traced().doing = "queued", self._now()
                try:
                    line = await way.pool.acquire(limit, certain=certain, connect_s=lane.connect_s)
                finally:
                    exchange.traced().doing = None
            trace = exchange.traced()
            trace.sent_s, trace.sent_at = self._now() - exchange.arrived, len(trace.steps)
            if take_whole(exchange):
                relay.send(line, request(exchange, way), way.origins)
                how = await ended
            else:
                how = await stream(relay, line, way, ended)
        except UpstreamError as error:
            relay.end(error)
            return error
        except BaseException:  # the client has left, above all
            relay.leave()
            raise
        settled = settle(relay, how)
        if settled is not None and not isinstance(settled, UpstreamError):
            raise settled
        return settled


def _nobody(relay: Relay, how: DevgateError | None) -> None:
    """Who is told of an attempt's end before it has begun."""


def _pick(backend: Backend, entry: Entry, takers: tuple[Instance, ...], course: Course) -> Instance:
    """An instance that was not tried yet, if there is one: of the best, or one that is not left out."""
    worse = [one for one in takers if one in course.tried or one not in entry.best]
    shut = [one for one in takers if one in course.tried or one.shunned]
    for avoid in (worse, shut):
        if len(avoid) < len(takers):
            return backend.balance.pick(takers, avoid)
    return backend.balance.pick(takers, course.tried)
