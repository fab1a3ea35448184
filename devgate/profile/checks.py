"""Rules across fields: what is well-formed, and still cannot work or cannot be meant.

The rules look at a `Profile` and know nothing of files; here their findings get a place. Each rule is a generator in one of the
`rules_...` modules; a new one is a new generator there, named in `RULES`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devgate.profile.findings import Subject
from devgate.profile.nodes import List, Map, Text, child, locate
from devgate.profile.problems import problem_at
from devgate.profile.rules_gateway import binding, cors, host_names, route_hosts, sync_times
from devgate.profile.rules_middleware import header_edits, limits
from devgate.profile.rules_routes import (
    replica_weights,
    reserved,
    route_methods,
    route_options,
    route_others,
    route_targets,
    same_routes,
    unknown_target,
    unreachable,
)
from devgate.profile.rules_services import (
    dependencies,
    dependency_cycles,
    ports,
    probes,
    service_kinds,
    service_options,
    stand_ins,
    sync_paths,
    targets,
    variables,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from devgate.profile.findings import Finding
    from devgate.profile.nodes import KeyPath
    from devgate.profile.parse import Draft
    from devgate.profile.problems import Problem

RULES: Final[tuple[Callable[[Subject], Iterator[Finding]], ...]] = (
    binding,
    cors,
    host_names,
    sync_times,
    limits,
    service_kinds,
    targets,
    service_options,
    variables,
    probes,
    stand_ins,
    sync_paths,
    dependencies,
    dependency_cycles,
    ports,
    replica_weights,
    route_targets,
    route_others,
    route_methods,
    route_hosts,
    route_options,
    reserved,
    same_routes,
    unreachable,
    header_edits,
)


def check(draft: Draft, root: Map, *, expose: bool) -> list[Problem]:
    """Everything the rules find, placed.

    Args:
        draft: what could be read.
        root: the tree it was read from.
        expose: whether it may listen beyond loopback.
    """
    services = child(root, "services")
    written = frozenset(services.entries) if isinstance(services, Map) else frozenset()
    subject = Subject(draft.profile, written | draft.profile.services.keys(), draft.doubtful, expose)
    problems = []
    for rule in RULES:
        for finding in rule(subject):
            path = _in_file(finding.path, draft)
            place = locate(root, path, key=finding.at_key)
            problems.append(problem_at(place, finding.message, hint=finding.hint, path=path, severity=finding.severity))
    return [*problems, *_lost_targets(subject, draft, root)]


def _lost_targets(subject: Subject, draft: Draft, root: Map) -> Iterator[Problem]:
    """Services that are named by routes with another fault, and are not there: such routes are not in the draft."""
    routes = child(root, "routes")
    for index in range(len(routes.items)) if isinstance(routes, List) else ():
        named, path = child(routes, index, "service"), ("routes", index, "service")
        if index not in draft.routes and isinstance(named, Text) and named.text and named.text not in subject.services:
            finding = unknown_target(path, named.text, subject)
            yield problem_at(named.place, finding.message, hint=finding.hint, path=path)


def _in_file(path: KeyPath, draft: Draft) -> KeyPath:
    """The path with the number that a route has in the file."""
    if len(path) > 1 and path[0] == "routes" and isinstance(path[1], int):
        return ("routes", draft.routes[path[1]], *path[2:])
    return path
