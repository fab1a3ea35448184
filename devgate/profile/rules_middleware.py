"""Rules about what is done to requests and answers on their way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from devgate.model.route import RouteSpec
from devgate.policy.edits import fault_in
from devgate.profile.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devgate.model.middleware import HeaderEditsSpec, LimitSpec
    from devgate.profile.findings import Subject
    from devgate.profile.nodes import KeyPath


def header_edits(subject: Subject) -> Iterator[Finding]:
    """Fields that may be touched, with values that can be sent."""
    for index, route in enumerate(subject.profile.routes):
        yield from _edits(("routes", index, "request_headers"), route.request_headers)
        yield from _edits(("routes", index, "response_headers"), route.response_headers)
        if route.cookies.path is not None and route.cookies.prefix:
            message = "path says what their Path is, so there is nothing to put before"
            yield Finding(("routes", index, "cookies", "prefix"), message, "keep one of them")
        if route.cookies.same_site == "None" and route.cookies.secure is False:
            path = ("routes", index, "cookies", "same_site")
            yield Finding(path, "browsers refuse SameSite=None without Secure", "leave secure away, or set it to true")
        if (domain := route.cookies.domain) and not all(part.isalnum() or part in "-._" for part in domain):
            yield Finding(("routes", index, "cookies", "domain"), f"{domain!r} is not a domain")


def limits(subject: Subject) -> Iterator[Finding]:
    """Limits that count something, each under a name of its own."""
    rules = subject.profile.gateway.limits.rules
    yield from _limits(("gateway", "limits", "rules"), rules)
    for index, rule in enumerate(rules):
        if rule.by == "endpoint" and rule.path is None:
            path = ("gateway", "limits", "rules", index, "by")
            yield Finding(path, "a limit by endpoint needs a path", "add path, or write it as a route's limits")
    for index, route in enumerate(subject.profile.routes):
        yield from _limits(("routes", index, "limits"), route.limits)
        for at, rule in enumerate(route.limits):
            if rule.path is not None:
                message = "a route's limit counts the requests of that route"
                yield Finding(
                    ("routes", index, "limits", at, "path"),
                    message,
                    "take path away, or move it to gateway.limits.rules",
                )


def _edits(path: KeyPath, spec: HeaderEditsSpec) -> Iterator[Finding]:
    for at, name in enumerate(spec.remove):
        if fault := fault_in(name):
            yield Finding((*path, "remove", at), fault)
    for name, value in spec.set.items():
        if fault := fault_in(name, value):
            yield Finding((*path, "set", name), fault, at_key=True)
    for name, values in spec.add.items():
        for fault in dict.fromkeys(filter(None, (fault_in(name, value) for value in values))):
            yield Finding((*path, "add", name), fault, at_key=True)


def _limits(path: KeyPath, rules: tuple[LimitSpec, ...]) -> Iterator[Finding]:
    names: dict[str, int] = {}
    for index, rule in enumerate(rules):
        first = names.setdefault(rule.title, index)
        if first != index:
            message = f"limit {first + 1} is called {rule.title}, too"
            yield Finding((*path, index, "name" if rule.name else "by"), message, "give it a name of its own")
        if rule.window <= 0:
            yield Finding((*path, index, "window"), "a window is longer than nothing")
        if rule.path is not None:
            try:
                RouteSpec(path=rule.path, service="-")
            except ValidationError as error:
                message = error.errors()[0]["msg"].removeprefix("Value error, ")
                yield Finding((*path, index, "path"), f"{rule.path!r} is not the path of a route: {message}")
