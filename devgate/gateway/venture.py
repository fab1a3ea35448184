"""One request of a route with a `Recourse`: what was decided for it so far, and what its answers are looked at for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from devgate.gateway.cache.visit import SAFE, forget, status_fields
from devgate.gateway.failures import fallback_status
from devgate.gateway.places import mark_of
from devgate.gateway.retrying import EXHAUSTED
from devgate.gateway.screened import Refused
from devgate.policy.freshness import values
from devgate.policy.retry import Failed, asked_s
from devgate.policy.sticky import Place, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.clock import Clock
    from devgate.gateway.cache.store import Owner
    from devgate.gateway.cache.visit import Visit
    from devgate.gateway.exchange import Exchange
    from devgate.gateway.lane import Lane
    from devgate.gateway.recourse import Recourse
    from devgate.gateway.retrying import Retrying
    from devgate.gateway.screened import Screened
    from devgate.gateway.upstream.response import ResponseHead

ERRORS: Final = frozenset({500, 502, 503, 504})
"""Answers that a kept one may take the place of (RFC 5861 4)."""
_ASKED: Final = {
    "uri-miss": "nothing is kept for it",
    "vary-miss": "nothing is kept for its headers",
    "stale": "what is kept is not fresh",
    "request": "the client wants no kept answer",
    "bypass": "a range, a condition or a body is no matter for a cache",
}
"""Why a service was asked (RFC 9211 2.2), in words."""


class Confirmed(Refused):
    """Not a failure: the service says that the kept answer is still good."""


class Venture:
    """See the module. It is the `Screen` of all its attempts.

    Args:
        lane: of the side of a split that it is on.
        path: raw, as the service sees it.
        place: where the client's cookie leads; None where there is none.
    """

    def __init__(
        self, exchange: Exchange, recourse: Recourse, lane: Lane, path: bytes, place: Place | None, clock: Clock
    ) -> None:
        self.exchange = exchange
        self.recourse = recourse
        self.lane = lane
        self.path = path
        self.place = place
        self.greeting = exchange.greeting
        """As the client sent it; the exchange's own may ask for something else."""
        self.visit: Visit | None = None
        self.retrying: Retrying | None = None
        self.asking = False
        """Whether the service is asked if the kept answer is still good."""
        self.collapsed = False
        """Whether it has waited for what another request brings."""
        self.mishap = b""
        """What befell its own service, as a parameter of `Proxy-Status`, if somebody else is to answer."""
        self.stepped: str = ""
        """The step of the fallback that it is at: `peer`; empty at the route's own service."""
        self.may_step: Callable[[], bool] = bool
        """Whether there is a further step that could answer."""
        self.flight: tuple[bytes, Owner] | None = None
        """What others wait for."""
        self.won: Callable[[Screened], None] | None = None
        """Told of the first of two attempts whose answer passes."""
        self.rivalled: Callable[[], bool] = bool
        """Whether another attempt is under way beside the one whose answer is looked at."""
        self._clock = clock

    # Looking at answers (screened.Screen)

    def judge(self, attempt: Screened, head: ResponseHead) -> Refused | None:
        """See `Screen`."""
        visit, recourse, status = self.visit, self.recourse, head.status
        now = self._clock.now()
        if visit is not None and self.asking and status == 304 and not self.stepped:
            visit.confirm(attempt, head, now, self._clock.wall())
            self.land()
            return Confirmed("the kept answer is still good", received=status, head=head)
        if refusal := self._refuse(head):
            return refusal
        if status >= 500 and self.rivalled():
            return Refused(f"it answered {status}", received=status)
        if self.won is not None:
            self.won(attempt)
        fields: list[tuple[bytes, bytes]] = []
        if visit is not None and not self.stepped:
            fields += self._keep(visit, attempt, head, now)
        if recourse.store is not None and status < 400 and self.exchange.method not in SAFE:
            gone = forget(recourse.store, self.exchange, head, attempt.origins)
            if gone:
                self.note("cache", f"kept answers that it may have changed are forgotten: {gone}")
        if self.stepped:
            fields += self.told_of("peer", attempt.instance.service)
        there = Place(attempt.instance.service, attempt.instance.replica)
        if (
            recourse.sticky is not None
            and there != self.place
            and not self.stepped
            and not mark_of(self.exchange, recourse)
        ):
            fields.append((b"Set-Cookie", write(there, recourse.sticky.cookie, recourse.sticky.life)))
        head.headers += fields
        return None

    def piece(self, data: bytes) -> None:
        """See `Screen`."""
        visit = self.visit
        if visit is not None and visit.recording is not None and not visit.recording.piece(data):
            visit.recording = None
            self.land(barren=True)

    def whole(self) -> None:
        """See `Screen`."""
        visit = self.visit
        if visit is not None and visit.recording is not None:
            visit.recording.keep()
        self.land()

    def land(self, *, barren: bool = False) -> None:
        """Others need wait no longer."""
        flight, self.flight = self.flight, None
        if flight is not None and self.recourse.flights is not None:
            self.recourse.flights.land(flight, barren=barren)

    def close(self) -> None:
        """It is over, however."""
        self.land()
        self.may_step = bool
        if self.retrying is not None:
            self.retrying.release()

    def told_of(self, step: str, service: str = "") -> tuple[tuple[bytes, bytes], ...]:
        """What the client is told of a step of the fallback.

        Args:
            service: that answers.
        """
        return (b"Proxy-Status", fallback_status(self.mishap, step, service)), (b"X-Devgate-Fallback", step.encode())

    def note(self, step: str, text: str, mood: Literal["plain", "warn"] = "plain") -> None:
        """What was decided, for the record."""
        self.exchange.traced().note(step, text, mood)

    @property
    def stale(self) -> bool:
        """Whether a kept answer may stand in for an error."""
        visit = self.visit
        return visit is not None and visit.entry is not None and visit.entry.freshness.stands_in(self._clock.now())

    @property
    def whole_request(self) -> bool:
        """Whether the request can be sent (again) from the beginning."""
        exchange = self.exchange
        return exchange.body is None or exchange.whole_body is not None or exchange.received == 0

    def _refuse(self, head: ResponseHead) -> Refused | None:
        recourse, retrying, status = self.recourse, self.retrying, head.status
        said = f"it answered {status}"
        if retrying is not None and status in retrying.spec.statuses:
            given = values(head.headers, b"retry-after")
            later_s = asked_s(given[0], self._clock.wall()) if given else None
            # A 429 is no fault that may be gone the next moment: only who says when it is over is asked again.
            passing = status != 429 or later_s is not None
            failed = Failed(reached=True, passing=passing, retry_after_s=later_s)
            if retrying.ask(failed, whole=self.whole_request):
                return Refused(said, received=status, again=True)
            if retrying.exhausted:
                self.exchange.traced().steps.append(EXHAUSTED)
        if status in ERRORS and self.stale:
            return Refused(said, received=status)
        if recourse.fallback is not None and status in recourse.fallback.statuses and self.may_step():
            return Refused(said, received=status)
        return None

    def _keep(self, visit: Visit, attempt: Screened, head: ResponseHead, now: float) -> list[tuple[bytes, bytes]]:
        """See to it that an answer is kept if it may be. What `Cache-Status` says of that."""
        if visit.forward == "method":
            return status_fields(b"fwd=method", b"BYPASS")
        why = visit.record(attempt, head, now, self._clock.wall()) if visit.takes_part else "bypass"
        told = f"fwd={visit.forward or 'miss'}; fwd-status={head.status}"
        if not why:
            told += "; stored"
        else:
            self.land(barren=self.exchange.method == "GET" and head.status < 500)
            if visit.takes_part:
                told += f'; detail="{why}"'
        if self.collapsed:
            told += "; collapsed"
        personal = visit.forward == "request" and visit.entry is None
        asked = "what is kept was given to somebody else" if personal else _ASKED.get(visit.forward, visit.forward)
        kept = "its answer is kept" if not why else f"its answer is not kept: {why}"
        self.note("cache", f"{asked}, so {attempt.instance.service} was asked; {kept}")
        return status_fields(told.encode(), b"MISS" if visit.takes_part else b"BYPASS")
