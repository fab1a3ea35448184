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
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from devgate.gateway.capture import KEPT
from devgate.gateway.exchange import BadBody
from devgate.gateway.failures import Failure
from devgate.gateway.frames import GOING_AWAY
from devgate.gateway.headers import request_trailers
from devgate.gateway.hold import CAPACITY
from devgate.gateway.mishaps import failure_of, mishap_of, note, outcome_of
from devgate.gateway.relay import Common, Relay
from devgate.gateway.retrying import UNREACHABLE
from devgate.gateway.screened import Refused, Screened
from devgate.gateway.upstream.errors import UpstreamError
from devgate.gateway.upstream.line import CHUNKED
from devgate.gateway.ways import Way, Ways
from devgate.model.status import BreakerState
from devgate.policy.breaker import Outcome
from devgate.policy.rescue import IDEMPOTENT, Rescue, decide

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from devgate.clock import Clock
    from devgate.directory import Directory, Entry, Instance
    from devgate.errors import DevgateError
    from devgate.gateway.deadlines import Deadlines
    from devgate.gateway.exchange import Exchange
    from devgate.gateway.handlers.race import Race
    from devgate.gateway.lane import Backend, Lane
    from devgate.gateway.relay import Then
    from devgate.gateway.retrying import Retrying
    from devgate.gateway.screened import Screen
    from devgate.gateway.upstream.line import Line
    from devgate.policy.breaker import Admission

SUSPICION_S: Final = 2.0
"""How long a service may refuse connections while it counts as ready. A crash is seen within half a second; what refuses longer
is broken in another way, and the client is told."""
SUSPICION_PAUSE_S: Final = 0.1
PROBE_PAUSE_S: Final = 1.0
"""How often a request that waits for a probe's outcome looks by itself, should the probe never end."""


@dataclass(slots=True)
class Course:
    """How the attempts of one request have gone so far, and what its route wants for them."""

    deadline: float
    """Until when it may be held."""
    chosen: Instance | None
    """Who is asked first: whose turn it was when `begin` found something to wait for, or to whom the client keeps."""
    screen: Screen | None = None
    """What looks at answers before they pass."""
    retry: Retrying | None = None
    race: Race | None = None
    """Makes a second attempt where the first is late."""
    reached: bool = False
    """Whether the service may have seen the request."""
    replays: int = 0
    resends: int = 0
    suspected_until: float = 0.0
    """Until when refusals are taken for a crash that will be noticed any moment; 0 before the first one."""
    tried: list[Instance] = field(default_factory=list)


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
        if admission is None or entry is None or not entry.serving or backend.queue.turns or not _take_whole(exchange):
            return False
        exchange.instance = instance = backend.balance.pick(entry.serving)
        way = self._ways.to(instance)
        line = way.pool.take_idle(certain=exchange.method not in IDEMPOTENT)
        if line is None:
            return False
        relay = Relay(exchange, lane, instance, admission, self._common, then)
        try:
            relay.send(line, _request(exchange, way), way.origins)
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
                managed=managed,
                replays=course.replays,
                resends=course.resends,
            )
            now = self._now()
            course.suspected_until = course.suspected_until or min(course.deadline, now + SUSPICION_S)
            lost = rescue is Rescue.GIVE_UP or (rescue is Rescue.WAIT and now >= course.suspected_until)
            if lost and course.retry is not None and course.retry.grants(error, whole=whole):
                relay.cast(outcome_of(error), error.detail)
                note(relay, error, "retry")
                course.tried.append(relay.instance)
                if error.kind in UNREACHABLE:
                    self._suspect(lane.backend.name, relay.instance.replica)
                    lane.backend.marks.add(relay.instance, relay.instance.epoch, now)
                await asyncio.sleep(course.retry.pause_s)
                relay = error = None
                continue
            note(relay, error, rescue.value)
            if lost:
                relay.cast(outcome_of(error), error.detail)
                raise failure_of(error, lane.backend.name)
            relay.cast(Outcome.IGNORED)
            if rescue is Rescue.REPLAY:
                course.replays += 1
            else:
                course.resends += error.sent_any
                await self._look_elsewhere(exchange, lane, course, relay.instance)
            relay = error = None

    async def _next(self, exchange: Exchange, lane: Lane, course: Course) -> Relay:
        """The next attempt, when there is somebody to make it with."""
        backend = lane.backend
        while True:
            entry = self._directory.get(backend.name)
            if entry is None or not entry.serving or backend.queue.turns:
                entry = await self._held(exchange, lane, course.deadline)
                course.suspected_until = 0.0
                course.tried.clear()
            admission = backend.fuse.admit()
            if admission.admitted:
                if admission.slot:
                    exchange.traced().probe = True
                instance, course.chosen = course.chosen, None
                if instance not in entry.serving or backend.marks:
                    instance = self._pick(backend, entry, course, instance)
                return self.relay(exchange, lane, instance, admission, course.screen)
            await self._probed(exchange, lane, entry, admission, course.deadline)

    def _pick(self, backend: Backend, entry: Entry, course: Course, chosen: Instance | None) -> Instance:
        """An instance that was not tried yet and has not refused anybody a moment ago, if there is one."""
        now = self._now()
        avoid = [one for one in entry.serving if one in course.tried or backend.marks.out(one, one.epoch, now)]
        if chosen in entry.serving and chosen not in avoid:
            return chosen
        if len(avoid) == len(entry.serving):
            avoid = course.tried
        return backend.balance.pick(entry.serving, avoid)

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
            exchange.traced().sent_s = self._now() - exchange.arrived
            if _take_whole(exchange):
                relay.send(line, _request(exchange, way), way.origins)
                how = await ended
            else:
                how = await self._stream(relay, line, way, ended)
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

    async def _stream(
        self, relay: Relay, line: Line, way: Way, ended: asyncio.Future[DevgateError | None]
    ) -> DevgateError | None:
        """An attempt whose body is still arriving: pass it on, and listen to the answer meanwhile."""
        exchange = relay.exchange
        noted = exchange.greeting.noted
        length = CHUNKED if b"transfer-encoding" in noted else int(noted[b"content-length"])
        relay.send(line, _request(exchange, way), way.origins, body=length)
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(self._send_body(relay, line), name=f"body of {exchange.request_id}")
            how = await ended
            sending.cancel()
        return how

    @staticmethod
    async def _send_body(relay: Relay, line: Line) -> None:
        """Pass the body on as fast as the service takes it, until it ends or nobody wants the rest."""
        exchange = relay.exchange
        body = exchange.body
        assert body is not None
        try:
            while data := await body.readany():
                if exchange.received < KEPT:
                    exchange.traced().uploaded.append(data)
                exchange.received += len(data)
                relay.expect_body()
                if not line.write_body(data) or not await line.drained():
                    return
        except BadBody as fault:
            line.abort()
            exchange.close = True
            relay.end(Failure(fault.code, fault.sentence, stage="request"))
            return
        line.end_body(request_trailers(exchange.trailers))
        relay.expect_answer()

    # Waiting

    async def _held(self, exchange: Exchange, lane: Lane, deadline: float) -> Entry:
        """Wait for the service to come back; see `hold`."""
        began = self._now()
        lane.traffic.held += 1
        exchange.traced().doing = "held", began
        try:
            return await lane.backend.queue.serving(deadline)
        finally:
            lane.traffic.held -= 1
            exchange.traced().doing = None
            exchange.held_s += self._now() - began

    async def _probed(
        self, exchange: Exchange, lane: Lane, entry: Entry, admission: Admission, deadline: float
    ) -> None:
        """The breaker refuses. Where a service that devgate has brought back is being probed, wait for the outcome.

        Raises:
            Failure: the breaker is open, or there is no time left to wait.
        """
        backend = lane.backend
        left_s = deadline - self._now()
        probing = entry.managed and backend.fuse.breaker.state is BreakerState.HALF_OPEN
        if probing and left_s > 0 and backend.waiting < CAPACITY:
            backend.waiting += 1
            try:
                await self._pause(exchange, lane, backend.fuse.moved, min(left_s, PROBE_PAUSE_S))
            finally:
                backend.waiting -= 1
            return
        last = backend.fuse.row().last_cause
        raise Failure(
            "circuit-open",
            f"{backend.name} has failed too often{f', last: {last}' if last else ''}.",
            hint="it is tried again by itself; reset the breaker to try it now",
            stage="breaker",
            retry_after_s=admission.retry_after_s,
        )

    async def _look_elsewhere(self, exchange: Exchange, lane: Lane, course: Course, instance: Instance) -> None:
        """An instance that should be there is not: have it looked at, and wait a moment unless there is another one."""
        course.tried.append(instance)
        self._suspect(lane.backend.name, instance.replica)
        lane.backend.marks.add(instance, instance.epoch, self._now())
        entry = self._directory.get(lane.backend.name)
        if entry is not None and all(other in course.tried for other in entry.serving):
            course.tried.clear()
            if instance in entry.serving:
                await self._pause(exchange, lane, entry.changed, SUSPICION_PAUSE_S)

    async def _pause(
        self, exchange: Exchange, lane: Lane, moved: Callable[[], Awaitable[None]], longest_s: float
    ) -> None:
        """Wait for `moved`, at most `longest_s`; the client sees it as held."""
        began = self._now()
        lane.traffic.held += 1
        exchange.traced().doing = "held", began
        try:
            async with asyncio.timeout(longest_s):
                await moved()
        except TimeoutError:
            pass
        finally:
            lane.traffic.held -= 1
            exchange.traced().doing = None
            exchange.held_s += self._now() - began


def _take_whole(exchange: Exchange) -> bool:
    """Whether the request is all there, its body included, which is then taken in: small ones usually come with their head."""
    body = exchange.body
    if body is None or exchange.whole_body is not None:
        return True
    if not body.is_eof():
        return False
    exchange.whole_body = body.read_nowait()
    exchange.received = len(exchange.whole_body)
    return True


def _request(exchange: Exchange, way: Way) -> bytes:
    """What is sent: the head for this service, and the body if it is there as a whole, framed as the head announces."""
    before, after = exchange.head
    body = exchange.whole_body
    lane = exchange.lane
    assert lane is not None
    host_line = way.host_line
    if lane.host is not None and (called := lane.host or exchange.host):
        host_line = b"Host: %b\r\n" % called
    if body is None:
        return b"%b%b%b" % (before, host_line, after)
    if b"transfer-encoding" in exchange.greeting.noted:
        chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        body = b"%b0\r\n%b\r\n" % (chunk, request_trailers(exchange.trailers))
    return b"%b%b%b%b" % (before, host_line, after, body)


def settle(relay: Relay, how: DevgateError | None) -> DevgateError | None:
    """What an attempt's end leaves to be done: nothing, or something about its error, of which the client knows nothing yet."""
    if how is None:
        relay.cast_status()
        return None
    exchange = relay.exchange
    if not isinstance(how, UpstreamError):
        relay.cast(Outcome.IGNORED)
        return how
    if not exchange.started:
        return how
    exchange.error = how.kind.value
    exchange.close = True
    exchange.client.abort()
    relay.cast(outcome_of(how), how.detail)
    return None


def _nobody(relay: Relay, how: DevgateError | None) -> None:
    """Who is told of an attempt's end before it has begun."""
