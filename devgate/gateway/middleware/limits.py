"""Limits on the wire: which rules judge a request, under which key, and what the client is told (SEMANTICS 3.6).

There are two phases, because between them it is found out who asks: the first takes clients, paths and the whole, before there is
a route; the second users, and what a route has of its own. What the second refuses the first has not counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache, partial
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Final

from devgate.gateway.failures import Failure
from devgate.gateway.table import path_pattern
from devgate.model.snapshot import LimitRow
from devgate.model.units import format_duration
from devgate.policy.limiter import Limiter, Rule, Verdict, give_back, judge, stand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from devgate.clock import Clock
    from devgate.gateway.exchange import Exchange
    from devgate.gateway.middleware.chain import Gate
    from devgate.model.middleware import LimitSpec, LimitsSpec
    from devgate.model.profile import Profile
    from devgate.policy.limiter import Claim
    from devgate.policy.proxies import TrustedProxies

    Key = Callable[[Exchange], str | None]
    """Under what a request is counted; None: not at all."""

PROBLEM: Final = "https://iana.org/assignments/http-problem-types#quota-exceeded"
THEIRS: Final = ("RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
"""Fields of a service's answer that ours replace."""
_DEVELOPMENT: Final = ("development", "dev")


@dataclass(frozen=True, slots=True)
class Quota:
    """What a request was judged by so far."""

    claims: tuple[Claim, ...]
    """Those that have counted it."""
    verdict: Verdict


class Limits:
    """All limiters of a gateway. What was counted survives a reload as long as its rule is written as before."""

    def __init__(self, clock: Clock) -> None:
        self.first: Gate | None = None
        """Asked before there is a route."""
        self._clock = clock
        self._limiters: dict[tuple[str, LimitSpec], Limiter] = {}
        self._enforced = False
        self._trusted: TrustedProxies | None = None

    def apply(self, profile: Profile, trusted: TrustedProxies | None = None) -> dict[str, Gate]:
        """Take over a profile: the gates of its routes, by their ids, where they have any.

        Args:
            trusted: who may say on whose behalf requests come.
        """
        self._trusted = trusted
        spec = profile.gateway.limits
        self._enforced = enforced(profile)
        old, self._limiters = self._limiters, {}
        first = self._rules("", (one for one in spec.rules if one.by != "user"), old)
        users = self._rules("", (one for one in spec.rules if one.by == "user"), old)
        self.first = _Gate(first, spec, self._clock, enforced=self._enforced) if first else None
        second = {route.id: [*users, *self._rules(route.id, route.limits, old)] for route in profile.routes}
        return {
            route: _Gate(rules, spec, self._clock, enforced=self._enforced) for route, rules in second.items() if rules
        }

    def rows(self) -> tuple[LimitRow, ...]:
        """What a face sees."""
        return tuple(
            LimitRow(
                name=spec.title,
                route=route,
                by=spec.by,
                limit=spec.limit,
                window_s=spec.window,
                over=limiter.refused,
                over_s=self._clock.now() - limiter.refused_at if limiter.refused else None,
                enforced=self._enforced,
            )
            for (route, spec), limiter in self._limiters.items()
        )

    def _rules(
        self, route: str, specs: Iterable[LimitSpec], old: dict[tuple[str, LimitSpec], Limiter]
    ) -> list[tuple[Limiter, Key]]:
        found = []
        for spec in specs:
            place = (route, spec)
            self._limiters[place] = limiter = old.get(place) or Limiter(Rule(spec.title, spec.limit, spec.window))
            found.append((limiter, _key(spec, self._trusted)))
        return found


def enforced(profile: Profile) -> bool:
    """Whether a request too many is refused. While one develops, a limit that is told of is better than one that stops work."""
    mode = profile.gateway.limits.mode
    return mode == "enforce" if mode is not None else profile.name.rpartition("/")[2] not in _DEVELOPMENT


class _Gate:
    """One phase of one route."""

    def __init__(self, rules: Sequence[tuple[Limiter, Key]], spec: LimitsSpec, clock: Clock, *, enforced: bool) -> None:
        self._rules = rules
        self._delta = spec.reset_format == "delta"
        self._enforced = enforced
        self._now = clock.now
        self._wall = clock.wall

    def __call__(self, exchange: Exchange) -> None:
        claims = tuple((limiter, key) for limiter, of in self._rules if (key := of(exchange)) is not None)
        if not claims:
            return
        before, now = exchange.quota, self._now()
        verdict = judge(claims, now)
        counted = () if verdict.violated else claims
        refused = bool(verdict.violated) and self._enforced
        if before is None:
            exchange.quota = Quota(counted, verdict)
        else:
            earlier = before.verdict.standings
            if refused:
                give_back(before.claims)
                earlier = stand(before.claims, now)
            both = Verdict(earlier + verdict.standings, before.verdict.violated + verdict.violated)
            exchange.quota = Quota(before.claims + counted, both)
        exchange.extra = self._lines(exchange.quota.verdict)
        if refused:
            raise _refusal(verdict)

    def _lines(self, verdict: Verdict) -> bytes:
        """What the client is told: of the tightest rule how it stands, and which rules there are (draft-ietf-httpapi-ratelimit
        -headers, and the older names that most clients read)."""
        tightest = verdict.tightest
        reset_s = math.ceil(tightest.reset_s)
        policies = ", ".join([_policy(one.rule) for one in verdict.standings])
        return (
            f"X-RateLimit-Limit: {tightest.rule.limit}\r\nX-RateLimit-Remaining: {tightest.remaining}\r\n"
            f"X-RateLimit-Reset: {reset_s if self._delta else math.ceil(self._wall() + tightest.reset_s)}\r\n"
            f"RateLimit-Policy: {policies}\r\n"
            f'RateLimit: "{tightest.rule.name}";r={tightest.remaining};t={reset_s}\r\n'
        ).encode()


@lru_cache(1024)
def _policy(rule: Rule) -> str:
    return f'"{rule.name}";q={rule.limit};w={math.ceil(rule.window_s)}'


def _refusal(verdict: Verdict) -> Failure:
    rules = " and ".join(
        f"{one.rule.limit} requests in {format_duration(one.rule.window_s)} ({one.rule.name})"
        for one in verdict.violated
    )
    return Failure(
        "quota-exceeded",
        f"Not more than {rules} are taken.",
        hint="set gateway.limits.mode: report to be told only",
        stage="limits",
        retry_after_s=verdict.retry_after_s,
        facts={"type": PROBLEM, "violated-policies": [one.rule.name for one in verdict.violated]},
    )


def _key(spec: LimitSpec, trusted: TrustedProxies | None) -> Key:
    match spec.by:
        case "ip" | "user":  # who is not known counts by where he comes from
            key: Key = partial(_network, trusted)
        case "endpoint":
            key = _method
        case "global":
            key = _everybody
    if spec.path is None:
        return key
    fits = path_pattern(spec.path)
    return lambda exchange: key(exchange) if fits(exchange.path) else None


def _network(trusted: TrustedProxies | None, exchange: Exchange) -> str:
    """The client's address; of an IPv6 one the network, of which every client has a whole one."""
    peer = exchange.client.peer
    if trusted is not None:
        raw = exchange.raw_headers
        peer = trusted.client(peer, b",".join(value for name, value in raw if name.lower() == b"x-forwarded-for"))
    if ":" not in peer:
        return peer
    address = IPv6Address(peer.partition("%")[0])
    return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))


def _method(exchange: Exchange) -> str:
    return "GET" if exchange.method == "HEAD" else exchange.method


def _everybody(exchange: Exchange) -> str:
    return ""
