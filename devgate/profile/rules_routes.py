"""Rules about routes. What matches what is `gateway.table`'s to say; its order of ranks is repeated here, and a test compares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from devgate.model.expression import MARK, PathExpression
from devgate.policy.edits import fault_in
from devgate.profile.findings import Finding, near

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devgate.model.route import RouteSpec
    from devgate.profile.findings import Subject
    from devgate.profile.nodes import KeyPath

OURS = "_devgate"
"""The first segment that is always the gateway's."""
ANSWERED: Final = frozenset(
    {
        "GET",
        "HEAD",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "QUERY",
        "SEARCH",
        "PURGE",
        "REPORT",
        "MERGE",
        "LINK",
        "UNLINK",
    }
    | {
        "COPY",
        "MOVE",
        "LOCK",
        "UNLOCK",
        "MKCOL",
        "PROPFIND",
        "PROPPATCH",
        "ACL",
        "BIND",
        "UNBIND",
        "REBIND",
        "MKCALENDAR",
    }
    | {"MKACTIVITY", "CHECKOUT", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE", "M-SEARCH", "SOURCE"}
)
"""Methods that get as far as a route: those that the gateway's parser (llhttp) knows, without CONNECT and TRACE. A test asks the
gateway."""
HEALTH = "health"
"""The first segment that is the gateway's as long as `gateway.health` is on."""


def route_targets(subject: Subject) -> Iterator[Finding]:
    """A route leads to a service that can answer."""
    services = subject.profile.services
    for index, route in enumerate(subject.profile.routes):
        path = ("routes", index, "service")
        spec = services.get(route.service)
        if route.service not in subject.services:
            yield unknown_target(path, route.service, subject)
        elif spec is None or route.service in subject.doubtful:
            continue
        elif spec.kind == "task":
            yield Finding(path, f"{route.service} is a task, which answers no requests")
        elif spec.url is None and spec.port is None:
            yield Finding(path, f"{route.service} has no port that requests could go to", "add its port, or port: auto")


def unknown_target(path: KeyPath, name: str, subject: Subject) -> Finding:
    """That a route leads to a service which is not there."""
    services = subject.profile.services
    hint = near(name, subject.services, f"there are: {', '.join(services)}" if services else "add it")
    return Finding(path, f"there is no service {name!r}", hint)


def route_methods(subject: Subject) -> Iterator[Finding]:
    """Methods that no request can have: the gateway refuses them before it looks for a route."""
    for index, route in enumerate(subject.profile.routes):
        for at, method in enumerate(route.methods):
            if method not in ANSWERED:
                known = f"there are: {', '.join(sorted(ANSWERED))}"
                yield Finding(
                    ("routes", index, "methods", at),
                    f"no request with {method} gets here",
                    near(method, ANSWERED, known),
                )


def route_others(subject: Subject) -> Iterator[Finding]:
    """Services that a route names besides its own."""
    for index, route in enumerate(subject.profile.routes):
        fallbacks = route.fallback.services if route.fallback is not None else ()
        named: list[tuple[KeyPath, str]] = [(("routes", index, "split", name), name) for name in route.split]
        named += [(("routes", index, "fallback", "services", at), name) for at, name in enumerate(fallbacks)]
        for path, name in named:
            spec = subject.profile.services.get(name)
            if name not in subject.services:
                yield Finding(path, f"there is no service {name!r}", near(name, subject.services))
            elif name == route.service:
                yield Finding(path, f"{name} is the route's own service", "name another one")
            elif spec is not None and name not in subject.doubtful and spec.url is None and spec.port is None:
                yield Finding(path, f"{name} has no port that requests could go to", "add its port, or port: auto")
        if route.fallback is not None and route.fallback.answer is not None:
            for name, value in route.fallback.answer.headers.items():
                if fault := fault_in(name, value):
                    yield Finding(("routes", index, "fallback", "answer", "headers", name), fault, at_key=True)
        shares = sum(route.split.values())
        if shares > 100:
            yield Finding(
                ("routes", index, "split"), f"the shares are {shares:g} % together", "leave some of 100 %", at_key=True
            )


def replica_weights(subject: Subject) -> Iterator[Finding]:
    """As many weights as replicas."""
    for name, spec in subject.profile.services.items():
        path = ("services", name, "weights")
        if spec.weights and len(spec.weights) != spec.replicas:
            count, replicas = len(spec.weights), spec.replicas
            yield Finding(path, f"{count} weights for {replicas} replicas", "write one for each", at_key=True)
        elif spec.weights and not any(spec.weights):
            yield Finding(path, "no replica has a weight above 0", "leave one of them some weight", at_key=True)


def route_options(subject: Subject) -> Iterator[Finding]:
    """Settings that do nothing."""
    for index, route in enumerate(subject.profile.routes):
        path: KeyPath = ("routes", index)
        if route.stream and route.timeout is not None and route.timeout.model_fields_set - {"connect"}:
            yield _warning((*path, "timeout"), "timeout has no effect on a stream")
        if route.strip_prefix and not _shape(route).literals:
            yield _warning((*path, "strip_prefix"), "the path begins with nothing that could be taken away")
        reads = {"GET", "HEAD"} & {*route.methods} if route.methods else {"GET"}
        for option in ("cache", "hedge"):
            if getattr(route, option) is not None and not reads:
                yield _warning((*path, option), f"{option} has no effect on a route without GET")
            elif getattr(route, option) is not None and route.stream:
                yield _warning((*path, option), f"{option} has no effect on a stream")
        if route.sticky is not None and not route.split and _replicas(subject, route) == 1:
            yield _warning((*path, "sticky"), f"sticky has no effect: {route.service} has one instance")
        if route.fallback is not None and not route.fallback.services and route.fallback.answer is None:
            yield _warning((*path, "fallback"), "fallback has no effect without services or an answer")


def _replicas(subject: Subject, route: RouteSpec) -> int:
    spec = subject.profile.services.get(route.service)
    return 0 if spec is None else spec.replicas


def reserved(subject: Subject) -> Iterator[Finding]:
    """Paths that the gateway answers itself."""
    for index, route in enumerate(subject.profile.routes):
        first = next(iter(_shape(route).parts), None)
        path = ("routes", index, "path")
        if first == OURS:
            yield Finding(path, f"{route.path} is the gateway's: everything below /{OURS} is", "choose another path")
        elif first == HEALTH and subject.profile.gateway.health:
            hint = "choose another path, or set gateway.health: false"
            yield Finding(path, f"{route.path} is the gateway's, which answers /health and /health/* itself", hint)


def same_routes(subject: Subject) -> Iterator[Finding]:
    """Routes of which the later one never answers what both match."""
    seen: dict[tuple[object, ...], list[tuple[int, RouteSpec]]] = {}
    names: dict[str, int] = {}
    for index, route in enumerate(subject.profile.routes):
        first = names.setdefault(route.id, index)
        earlier = seen.setdefault(_signature(route), [])
        other = next((found for found in earlier if _share(found[1], route)), None)
        if other is not None:
            methods = sorted(_taken(other[1]) & {*route.methods})
            what = f"{', '.join(methods)} {route.path}" if methods else route.path
            same = f"route {other[0] + 1}" + (f" ({other[1].name})" if other[1].name else "")
            yield Finding(("routes", index, "path"), f"{what} is taken by {same} already", "keep one of them")
        elif first != index:
            message = f"route {first + 1} is called {route.id!r}, too"
            at = "name" if route.name else "path"
            yield Finding(("routes", index, at), message, "give one of them another name")
        earlier.append((index, route))


def unreachable(subject: Subject) -> Iterator[Finding]:
    """Routes that another one with a better rank covers completely.

    Among equals in priority the narrower path ranks first, so that only a larger priority or a path of the same rank can do
    that; to compare nothing else keeps this fast for hundreds of routes. A regular expression, though, comes after every path.
    """
    routes = subject.profile.routes
    ranks = [_rank(route, index) for index, route in enumerate(routes)]
    lowest = min((route.priority for route in routes), default=0)
    raised = [at for at, route in enumerate(routes) if route.priority > lowest]
    alike: dict[_Shape, list[int]] = {}
    for at, route in enumerate(routes):
        alike.setdefault(_shape(route).ranked, []).append(at)
    for index, route in enumerate(routes):
        shape = _shape(route)
        for at in range(len(routes)) if shape.expression else sorted({*raised, *alike[shape.ranked]}):
            other = routes[at]
            if ranks[at] < ranks[index] and _signature(other) != _signature(route) and _covers(other, route):
                message = f"no request gets here: route {at + 1}, {other.id}, takes them all"
                hint = "give this one a larger priority, or that one a narrower path"
                yield Finding(("routes", index, "path"), message, hint, severity="warning")
                break


class _Shape(NamedTuple):
    parts: tuple[str | None, ...]
    """Segments; None for a parameter."""
    rest: bool
    """Whether more may follow."""
    expression: str = ""
    """What the whole path must fit besides."""

    @property
    def literals(self) -> int:
        """How many segments at the beginning are literal."""
        return next((at for at, part in enumerate(self.parts) if part is None), len(self.parts))

    @property
    def ranked(self) -> _Shape:
        """Without the parameters at the end of a prefix, which no rank counts: `/a/*` before `/a/{x}/*` takes all of it."""
        parts = self.parts
        while self.rest and parts and parts[-1] is None:
            parts = parts[:-1]
        return _Shape(parts, self.rest, self.expression)


def _shape(route: RouteSpec) -> _Shape:
    if route.path.startswith(MARK):
        return _Shape(PathExpression(route.path).literal, True, route.path)
    names = [name for name in route.path.split("/") if name]
    rest = route.strip_prefix or names[-1:] == ["*"]
    if names[-1:] == ["*"]:
        names.pop()
    return _Shape(tuple(None if name == "*" or name.startswith("{") else name for name in names), rest)


def _rank(route: RouteSpec, index: int) -> tuple[int, ...]:
    """Smaller wins (SEMANTICS 3.5)."""
    shape = _shape(route)
    literal = sum(len(part) + 1 for part in shape.parts if part is not None)
    wild = shape.rest or None in shape.parts
    return (
        -route.priority, bool(shape.expression), wild, -literal, shape.rest,
        not route.hosts, not route.methods, -len(route.headers), index,
    )  # fmt: skip


def _signature(route: RouteSpec) -> tuple[object, ...]:
    """Equal where path, host and headers match exactly the same requests with the same priority."""
    headers = frozenset((name.lower(), value) for name, value in route.headers.items())
    return (route.priority, _shape(route), frozenset(host.lower() for host in route.hosts), headers)


def _share(one: RouteSpec, other: RouteSpec) -> bool:
    """Whether two routes of one signature claim the same method, and `one` comes first: a route that names none yields."""
    return not _taken(one).isdisjoint(other.methods) or (not one.methods and not other.methods)


def _taken(route: RouteSpec) -> set[str]:
    """The methods that a route names, and with GET those that it gets."""
    return {*route.methods, "HEAD"} if "GET" in route.methods else {*route.methods}


def _covers(wide: RouteSpec, narrow: RouteSpec) -> bool:
    """Whether every request that `narrow` matches is matched by `wide`."""
    over, under = _shape(wide), _shape(narrow)
    if over.expression not in ("", under.expression):
        return False
    if len(over.parts) > len(under.parts) or (not over.rest and (under.rest or len(over.parts) < len(under.parts))):
        return False
    if any(ours is not None and ours != theirs for ours, theirs in zip(over.parts, under.parts, strict=False)):
        return False
    methods, allowed = _taken(narrow), _taken(wide)
    if allowed and (not methods or not methods <= allowed):
        return False
    if wide.hosts and not (
        narrow.hosts and {host.lower() for host in narrow.hosts} <= {host.lower() for host in wide.hosts}
    ):
        return False
    asked = {name.lower(): value for name, value in narrow.headers.items()}
    return all(
        asked.get(name.lower()) == value or (value == "*" and name.lower() in asked)
        for name, value in wide.headers.items()
    )


def _warning(path: KeyPath, message: str) -> Finding:
    return Finding(path, message, severity="warning", at_key=True)
