"""The routing table: which route a request takes, and why (SEMANTICS 3.5).

Compiled once from a profile, never changed: a reload makes a new table, and requests under way keep the one they began with. A
path matches by segments, as the Kubernetes Gateway API's `PathPrefix` does: `/abc/*` takes `/abc`, `/abc/` and `/abc/d`, not
`/abcd`. Of several matches the first of these decides: larger priority, no regular expression, exact, more literal characters, an
end that is fixed, hosts named, methods named, more header conditions, earlier in the file.

That is the Gateway API's order, with two places of our own: it has no `{id}`, which says more than a `*` at the end does, and it
sorts hosts before paths by giving each its own set of routes, where a profile has one list, in which a path is the stronger word.
Age and name are the place in the file, which no two routes share.

A regular expression is compared as if it were its literal segments with anything below: of two the one with more of them wins.
Only requests that begin with those are matched against it; a table without expressions does nothing for them.

`explain` gives the same answer with every candidate and its reason, from the same comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from devgate.gateway.target import BadTarget, segments, strip, text
from devgate.model.expression import MARK, PathExpression
from devgate.model.route import RouteSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Headers = Sequence[tuple[bytes, bytes]]

NEAREST: Final = 3

_COMPARISONS: Final = (
    "its priority is lower",
    "it is a regular expression",
    "the winner is exact",
    "fewer of its characters are literal",
    "it is open at the end",
    "it names no host",
    "it names no method",
    "it has fewer header conditions",
    "it stands later in the profile",
)
"""What losing at each place of `Route.rank` means."""


@dataclass(frozen=True, slots=True)
class Route:
    """A compiled line of the table."""

    spec: RouteSpec
    id: str
    index: int
    """Place in the profile, from 0."""
    parts: tuple[bytes | None, ...]
    """Decoded literals; None stands for any one segment."""
    rest: bool
    """Whether more segments may follow."""
    expression: PathExpression | None
    """What the whole path must fit besides."""
    methods: frozenset[str]
    """With HEAD where there is GET; empty for all."""
    hosts: tuple[str, ...]
    """In lower case; empty for all."""
    headers: tuple[tuple[bytes, bytes | None], ...]
    """Lower-case name and value; None for any value."""
    stripped: int
    """How many segments are taken away before forwarding."""
    prefix: bytes
    """What is taken away, for `X-Forwarded-Prefix`; may be empty."""
    rank: tuple[int, ...]
    """Smaller wins; compared place by place."""

    @property
    def conditional(self) -> bool:
        """Whether more than method and path decide."""
        return bool(self.hosts or self.headers)

    def fits_path(self, names: tuple[bytes, ...]) -> bool:
        parts = self.parts
        if len(names) < len(parts) or (len(names) > len(parts) and not self.rest):
            return False
        if not all(part is None or part == name for part, name in zip(parts, names, strict=False)):
            return False
        return self.expression is None or self.expression.fits(text(names))

    def fits_method(self, method: str) -> bool:
        return not self.methods or method in self.methods

    def fits_host(self, name: str) -> bool:
        """`name` without port, in lower case."""
        return not self.hosts or any(
            name.endswith(host[1:]) and len(name) >= len(host) if host.startswith("*.") else name == host
            for host in self.hosts
        )

    def misses_header(self, headers: Headers) -> bytes:
        """The first header that is not as asked for; empty if all are."""
        for wanted, value in self.headers:
            if not any(name.lower() == wanted and value in (None, sent) for name, sent in headers):
                return wanted
        return b""


@dataclass(frozen=True, slots=True)
class Match:
    """The route that a request takes."""

    route: Route
    path: bytes
    """Raw path to forward."""


@dataclass(frozen=True, slots=True)
class NoMatch:
    """No route. `allow` is not empty where only the method misses: 405 with these in `Allow`."""

    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A route whose path matches, and what became of it."""

    route: str
    service: str
    wins: bool
    why: str


@dataclass(frozen=True, slots=True)
class Explanation:
    winner: Route | None
    forwarded: bytes
    """Raw path as the service would see it; empty without a winner."""
    candidates: tuple[Candidate, ...]
    """Every route whose path matches, best first."""
    allow: tuple[str, ...]
    nearest: tuple[str, ...]
    """The routes with the most similar paths, where none won."""


class RoutingTable:
    """All routes of one profile, best first."""

    def __init__(self, specs: Iterable[RouteSpec]) -> None:
        self.routes = tuple(_compile(spec, index) for index, spec in enumerate(specs))
        """In the order of the profile."""
        ranked = sorted(self.routes, key=lambda route: route.rank)
        firsts = {route.parts[0] for route in ranked if route.parts}
        self._by_first = {
            first: tuple(route for route in ranked if not route.parts or route.parts[0] in (None, first))
            for first in firsts
        }
        self._any_first = tuple(route for route in ranked if not route.parts or route.parts[0] is None)

    def match(self, method: str, path: bytes, host: bytes, headers: Headers) -> Match | NoMatch:
        """The route for a request: raw `path`, `host` as its header says.

        Raises:
            BadTarget: the path is refused whatever the routes.
        """
        return self._choose(self._fitting(path), method, path, _host_name(host), headers)

    def settled(self, method: str, path: bytes) -> Match | None:
        """The route for a request whatever its host and headers; None where these decide, or where there is none.

        Raises:
            BadTarget: see `match`.
        """
        best = next((route for route in self._fitting(path) if route.fits_method(method)), None)
        return None if best is None or best.conditional else _take(best, path)

    def explain(self, method: str, path: bytes, host: bytes = b"", headers: Headers = ()) -> Explanation:
        """What `match` would say, with every route whose path matches and why it wins or does not.

        Raises:
            BadTarget: the path is refused whatever the routes.
        """
        fitting = self._fitting(path)
        found = self._choose(fitting, method, path, _host_name(host), headers)
        winner = found.route if isinstance(found, Match) else None
        return Explanation(
            winner=winner,
            forwarded=found.path if isinstance(found, Match) else b"",
            candidates=tuple(
                Candidate(
                    route.id,
                    route.spec.service,
                    route is winner,
                    _reason(route, winner, method, _host_name(host), headers),
                )
                for route in fitting
            ),
            allow=found.allow if isinstance(found, NoMatch) else (),
            nearest=self.nearest(path) if winner is None else (),
        )

    def nearest(self, path: bytes) -> tuple[str, ...]:
        """Ids of the routes whose paths look most like `path`."""
        by_path = {route.spec.path: route.id for route in self.routes}
        near = get_close_matches(path.decode("utf-8", "replace"), by_path, n=NEAREST, cutoff=0.4)
        return tuple(by_path[name] for name in near)

    def _fitting(self, path: bytes) -> tuple[Route, ...]:
        names = segments(path)
        routes = self._by_first.get(names[0], self._any_first) if names else self._any_first
        return tuple(route for route in routes if route.fits_path(names))

    @staticmethod
    def _choose(fitting: tuple[Route, ...], method: str, path: bytes, name: str, headers: Headers) -> Match | NoMatch:
        allow: set[str] = set()
        for route in fitting:
            if route.fits_host(name) and not route.misses_header(headers):
                if route.fits_method(method):
                    return _take(route, path)
                allow |= route.methods
        return NoMatch(tuple(sorted(allow)))


def path_pattern(path: str) -> Callable[[bytes], bool]:
    """Whether raw paths look like `path`, which is written as that of a route. A refused path looks like nothing."""
    route = _compile(RouteSpec(path=path, service="-"), 0)

    def fits(raw: bytes) -> bool:
        try:
            return route.fits_path(segments(raw))
        except BadTarget:
            return False

    return fits


def _compile(spec: RouteSpec, index: int) -> Route:
    expression = PathExpression(spec.path) if spec.path.startswith(MARK) else None
    if expression is not None:
        names, rest = list(expression.literal), True
        parts: tuple[bytes | None, ...] = tuple(name.encode("utf-8", "surrogateescape") for name in names)
    else:
        names = [name for name in spec.path.split("/") if name]
        rest = spec.strip_prefix or names[-1:] == ["*"]
        if names[-1:] == ["*"]:
            names.pop()
        parts = tuple(None if name == "*" or name.startswith("{") else _literal(name) for name in names)
    literal = sum(len(part) + 1 for part in parts if part is not None)
    wild = rest or None in parts
    methods = frozenset(spec.methods) | ({"HEAD"} if "GET" in spec.methods else set())
    leading = next((place for place, part in enumerate(parts) if part is None), len(parts))
    stripped = leading if spec.strip_prefix else 0
    named = (not spec.hosts, not methods, -len(spec.headers))
    return Route(
        spec=spec,
        id=spec.id,
        index=index,
        parts=parts,
        rest=rest,
        expression=expression,
        methods=methods,
        hosts=tuple(host.lower() for host in spec.hosts),
        headers=tuple(
            (name.lower().encode("latin-1", "replace"), None if value == "*" else value.encode())
            for name, value in spec.headers.items()
        ),
        stripped=stripped,
        prefix="".join(f"/{name}" for name in names[:stripped]).encode(),
        rank=(-spec.priority, expression is not None, wild, -literal, rest, *named, index),
    )


def _literal(name: str) -> bytes:
    return unquote_to_bytes(name).partition(b";")[0]


def _take(route: Route, path: bytes) -> Match:
    return Match(route, strip(path, route.stripped) if route.stripped else path)


def _host_name(host: bytes) -> str:
    """A `Host` without its port, in lower case; of an IPv6 literal the brackets stay."""
    name = host.decode("latin-1").lower()
    bare, mark, port = name.rpartition(":")
    if mark and (not port or port.isdecimal()):
        name = bare
    return name.rstrip(".")


def _reason(route: Route, winner: Route | None, method: str, name: str, headers: Headers) -> str:
    if not route.fits_host(name):
        return f"the host is not {' or '.join(route.hosts)}"
    if missed := route.misses_header(headers):
        return f"the header {missed.decode('latin-1')} is not as it asks"
    if not route.fits_method(method):
        return f"the method is not {' or '.join(sorted(route.methods))}"
    if winner is None or route is winner:
        return "first in the order of priority, exactness and length"
    place = next(
        place for place, (ours, theirs) in enumerate(zip(route.rank, winner.rank, strict=True)) if ours != theirs
    )
    return _COMPARISONS[place]
