"""Which answers a cache may keep, how long they are good, and what it may do with them afterwards (RFC 9111, RFC 5861).

The rules are those of a shared cache: a gateway has many clients, even if they are all one person's. Nothing is guessed: an
answer that says nothing of its freshness has the route's, which is none unless somebody has written one.

Two things are stricter than the RFC, because on a developer's machine services say little about their answers. A request that
carries `Cookie` or `X-API-Key` is treated as one with `Authorization` (RFC 9111 3.5), or one user would get another's page. And
an answer with `Set-Cookie` is not kept (7.3 would permit it; every proxy refuses).

There are libraries. hishel (the best of those looked at) brings 2,000 lines of states over objects of its own, guesses lifetimes
and knows no `stale-if-error`; what would be left of it here is less than this page.

Times: `now` is monotonic, `wall` is what clocks and `Date` show; both in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devgate.policy.cache_control import seconds
from devgate.policy.moments import moment
from devgate.policy.targeted import told

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from devgate.model.caching import CacheSpec
    from devgate.policy.targeted import Told

    Directives = Mapping[bytes, bytes | None]
    Fields = Sequence[tuple[bytes, bytes]]

STATUSES: Final = frozenset({200, 203, 204, 300, 301, 308, 404, 410})
"""What may be kept; the first four and the last four of what RFC 9110 15.1 calls heuristically cacheable, without 206 and 501."""
CREDENTIALS: Final = (b"authorization", b"cookie", b"x-api-key")
_SHARED_ANYWAY: Final = (b"public", b"s-maxage", b"must-revalidate")
"""What permits to keep the answer to a request with credentials (RFC 9111 3.5)."""
_NEVER_STALE: Final = (b"must-revalidate", b"proxy-revalidate", b"s-maxage", b"no-cache")
"""What forbids to serve it stale (RFC 9111 4.2.4)."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long a kept answer is good."""

    received: float
    """When it came, monotonic."""
    initial_age_s: float
    """How old it was then."""
    lifetime_s: float
    stale_s: float
    """How long after that it may still stand in for an error."""
    revalidate: bool
    """Whether the service has to be asked before each use."""
    forced: bool = False
    """Whether the route has overruled what the answer says."""

    def age_s(self, now: float) -> float:
        return self.initial_age_s + max(0.0, now - self.received)

    def left_s(self, now: float) -> float:
        """Until it is stale; negative afterwards."""
        return self.lifetime_s - self.age_s(now)

    def fresh(self, asked: Directives, now: float) -> bool:
        """Whether it may be served without asking, `asked` being the request's directives."""
        if self.revalidate or b"no-cache" in asked:
            return False
        age_s, left_s = self.age_s(now), self.left_s(now)
        oldest = seconds(asked, b"max-age")
        if oldest is not None and age_s > oldest:
            return False
        longer = seconds(asked, b"min-fresh")
        if longer is not None and left_s < longer:
            return False
        if left_s > 0:
            return True
        if b"max-stale" not in asked or not self.stale_s:
            return False
        # `max-stale` without a number: however stale (RFC 9111 5.2.1.2); here as stale as the route permits.
        return -left_s < (self.stale_s if asked[b"max-stale"] is None else seconds(asked, b"max-stale") or 0)

    def stands_in(self, now: float) -> bool:
        """Whether it may be served in place of an error; never without the service's word where each use needs that."""
        return not self.revalidate and -self.left_s(now) < self.stale_s


def values(fields: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    """Every value of a field, by its lower-case name."""
    return [value for key, value in fields if key.lower() == name]


def carries_credentials(request: Fields) -> bool:
    return any(name.lower() in CREDENTIALS for name, _ in request)


def for_everybody(answer: Fields) -> bool:
    """Whether an answer says that it may be shared although its request carried credentials."""
    given = told(answer).directives
    return any(name in given for name in _SHARED_ANYWAY)


def why_not(asked: Directives, request: Fields, status: int, answer: Fields, spec: CacheSpec) -> str:
    """Why an answer to a GET may not be kept; empty if it may."""
    given = told(answer).directives
    if status not in STATUSES:
        return f"status {status}"
    if b"no-store" in asked or b"no-store" in given:
        return "no-store"
    if b"private" in given and spec.authorized != "per-user":
        return "private"
    if values(answer, b"set-cookie"):
        return "it sets a cookie"
    if any(b"*" in value for value in values(answer, b"vary")):
        return "it varies with everything"
    if spec.authorized == "per-user" or not carries_credentials(request) or for_everybody(answer):
        return ""
    return "the request carries credentials"


def judge(answer: Fields, spec: CacheSpec, *, asked_at: float, now: float, wall: float) -> Freshness:
    """How long an answer is good that came just now, to a request sent at `asked_at` (monotonic)."""
    given = told(answer)
    date = _moment(values(answer, b"date")) or wall
    age = b",".join(values(answer, b"age")).partition(b",")[0].strip()  # the first counts (RFC 9111 5.1)
    age_s = float(age[:12]) if age.isdigit() else 0.0
    # RFC 9111 4.2.3: the larger of what the clocks say and what the caches before us say.
    initial_s = max(0.0, wall - date, age_s + max(0.0, now - asked_at))
    forced = spec.force_ttl is not None
    lifetime_s = spec.force_ttl if spec.force_ttl is not None else _lifetime(given, answer, date)
    window = seconds(given.directives, b"stale-if-error")
    forbidden = any(name in given.directives for name in _NEVER_STALE)
    return Freshness(
        received=now,
        initial_age_s=0.0 if forced else initial_s,
        lifetime_s=spec.ttl if lifetime_s is None else lifetime_s,
        stale_s=0.0 if forbidden else max(float(window or 0), spec.stale_if_error),
        revalidate=b"no-cache" in given.directives and not forced,
        forced=forced,
    )


def _lifetime(given: Told, answer: Fields, date: float) -> float | None:
    """What the answer itself says (RFC 9111 4.2.1); None for nothing."""
    for name in (b"s-maxage", b"max-age"):
        life_s = seconds(given.directives, name)
        if life_s is not None:
            return float(life_s)
    expires = values(answer, b"expires")
    if not expires or given.targeted:
        return None
    # What is no date, `0` above all, is in the past (RFC 9111 5.3).
    end = _moment(expires)
    return max(0.0, end - date) if end is not None else 0.0


def _moment(given: Sequence[bytes]) -> float | None:
    """The first of the values, as seconds since the epoch; None for none, and for what is no date."""
    return moment(given[0]) if given else None
