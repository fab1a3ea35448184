"""Rules about services."""

from __future__ import annotations

import re
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from devgate.policy.addresses import Reach, reach_of_host
from devgate.policy.pattern import compile_bounded
from devgate.profile.findings import Finding, near, unsendable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from devgate.model.service import ServiceSpec
    from devgate.model.text import Environment
    from devgate.profile.findings import Subject
    from devgate.profile.nodes import KeyPath

# A list or map that names what a service of somebody else's has no use for.
_ONLY_FOR_OURS: Final = ("port", "watch", "idle_stop", "env", "env_file", "tty")
_ONLY_BY_RATE: Final = frozenset({"window", "min_calls", "ratio"})


def service_kinds(subject: Subject) -> Iterator[Finding]:
    """What a service is: a command, an address, or a stand-in."""
    for name, spec in subject.profile.services.items():
        path: KeyPath = ("services", name)
        if spec.command is None and spec.url is None and not spec.stands_in and name not in subject.doubtful:
            hint = "give it a command, the url of one that runs already, or stub: true"
            yield Finding(path, f"{name} has nothing to run", hint, at_key=True)
        if spec.url is not None and spec.command is not None:
            hint = "keep command if devgate starts it, url if somebody else does"
            yield Finding((*path, "url"), f"{name} has both a command and a url", hint, at_key=True)
        if spec.url is not None and spec.stub is True:
            yield Finding((*path, "stub"), f"{name} has a url and is a stand-in", "keep one of them", at_key=True)
        if spec.command in ("", ()) or (isinstance(spec.command, tuple) and not spec.command[0]):
            yield Finding((*path, "command"), "the command is empty")


def targets(subject: Subject) -> Iterator[Finding]:
    """Addresses outside of what devgate starts: nowhere that a gateway must not go."""
    gateway = subject.profile.gateway
    for name, spec in subject.profile.services.items():
        path: KeyPath = ("services", name)
        for key, url in (((*path, "url"), spec.url), ((*path, "ready", "http"), spec.ready.http)):
            if url is None or (key[-1] == "http" and "://" not in url):
                continue
            faults = list(_url_faults(url, remote=spec.allow_remote, service=name, whole=key[-1] == "http"))
            yield from (Finding(key, message, hint) for message, hint in faults)
            if not faults and key[-1] == "url" and _address(url) == ("loopback", gateway.port):
                yield Finding(
                    key, "this is the gateway itself: requests would go round in circles", "name the service's port"
                )


def service_options(subject: Subject) -> Iterator[Finding]:
    """Settings that need another one."""
    for name, spec in subject.profile.services.items():
        path: KeyPath = ("services", name)
        no_port = spec.port is None and spec.url is None and name not in subject.doubtful
        if spec.autostart == "on_request" and no_port:
            yield Finding((*path, "autostart"), "on_request needs a port that requests can go to", "add port: auto")
        if spec.autostart == "on_request" and spec.kind == "task":
            yield Finding((*path, "autostart"), "a task answers no requests", "use autostart: false")
        if spec.idle_stop is not None and spec.autostart != "on_request":
            yield _warning((*path, "idle_stop"), "idle_stop has no effect without autostart: on_request")
        if spec.tty and spec.replicas > 1:
            yield Finding(
                (*path, "tty"), "of several replicas nobody could say which one is typed into", "keep one of them"
            )
        if spec.replicas > 1:
            yield from _replica_findings(path, spec, no_port=no_port)
        if spec.breaker.mode != "rate":  # the other way round it is often a profile's that this one extends
            for key in sorted(_ONLY_BY_RATE & spec.breaker.model_fields_set):
                yield _warning((*path, "breaker", key), f"{key} has no effect without mode: rate")
        if spec.url is not None:
            for key in _ONLY_FOR_OURS:
                if getattr(spec, key):
                    yield _warning((*path, key), f"{key} has no effect beside url: devgate does not start this service")


def variables(subject: Subject) -> Iterator[Finding]:
    """Names that no environment can hold."""
    places: list[tuple[KeyPath, Environment]] = [(("env",), subject.profile.env)]
    places += [(("services", name, "env"), spec.env) for name, spec in subject.profile.services.items()]
    for path, env in places:
        for name in env:
            if not name or "=" in name or "\0" in name:
                yield Finding((*path, name), f"{name!r} cannot be the name of a variable", at_key=True)


def probes(subject: Subject) -> Iterator[Finding]:
    """Whether a service can ever show that it is ready."""
    for name, spec in subject.profile.services.items():
        path: KeyPath = ("services", name, "ready")
        probe = spec.ready
        no_port = spec.port is None and spec.url is None and name not in subject.doubtful
        if probe.http is not None and not re.fullmatch(r"(/|https?://)[!-~]*", probe.http):
            hint = "begin with /, or name a whole URL; ASCII only, and no blanks"
            yield Finding((*path, "http"), f"{probe.http!r} is no path", hint)
        if (probe.http or "").startswith("/") and no_port:
            yield Finding((*path, "http"), f"{name} has no port to ask", "add its port, or name a whole URL")
        if probe.tcp is True and no_port:
            yield Finding((*path, "tcp"), f"{name} has no port to connect to", "add its port, or name one here")
        if probe.log is not None:
            if spec.url is not None:
                yield Finding(
                    (*path, "log"),
                    "the output of a service that somebody else runs is not seen here",
                    "use http or tcp",
                )
            try:
                compile_bounded(probe.log)
            except ValueError as error:
                hint = "a dot or bracket that is meant is written \\."
                yield Finding((*path, "log"), f"no regular expression for this: {error}", hint)
        if spec.kind == "task" and (probe.http or probe.tcp or probe.exec or probe.log):
            yield _warning(path, "a task is done when it ends; ready has no effect")


def sync_paths(subject: Subject) -> Iterator[Finding]:
    """Where a version is asked for."""
    for name, spec in subject.profile.services.items():
        if spec.sync is None or isinstance(spec.sync, bool):
            continue
        if not re.fullmatch(r"/[!-~]*", spec.sync.path):
            path = ("services", name, "sync", "path")
            yield Finding(path, f"{spec.sync.path!r} is no path", "begin with /; ASCII only, and no blanks")


def stand_ins(subject: Subject) -> Iterator[Finding]:
    """Canned answers that the stand-in would refuse."""
    for name, spec in subject.profile.services.items():
        for index, response in enumerate(spec.stub_spec.responses):
            path = ("services", name, "stub", "responses", index)
            if not re.fullmatch(r"/[!->@-~]*", response.path):
                yield Finding((*path, "path"), f"{response.path!r} is no path", "begin with /; no spaces, no ?")
            yield from unsendable(response.headers, (*path, "headers"))


def dependencies(subject: Subject) -> Iterator[Finding]:
    """What a service waits for exists and can reach the state that is waited for."""
    services = subject.profile.services
    for name, spec in services.items():
        for needed, how in spec.depends_on.items():
            path = ("services", name, "depends_on", needed)
            other = services.get(needed)
            if needed not in subject.services:
                hint = near(needed, subject.services - {name}, f"there are: {', '.join(services)}")
                yield Finding(path, f"there is no service {needed!r}", hint)
            elif other is None or needed in subject.doubtful:
                continue
            elif how.condition == "completed" and other.kind != "task":
                yield Finding(
                    path, f"{needed} never completes: it is no task", "wait until it is ready, or make it kind: task"
                )
            elif how.condition == "ready" and other.kind == "task":
                yield Finding(path, f"{needed} is a task, which completes", f"write {needed}: {{condition: completed}}")


def dependency_cycles(subject: Subject) -> Iterator[Finding]:
    """Services that wait for each other."""
    graph = {name: list(spec.depends_on) for name, spec in subject.profile.services.items()}
    for cycle in _cycles(graph):
        shown = " -> ".join([*cycle, cycle[0]])
        path = ("services", cycle[0], "depends_on", cycle[1 % len(cycle)])
        yield Finding(path, f"these services wait for each other: {shown}", "one of them must start without the others")


def ports(subject: Subject) -> Iterator[Finding]:
    """Two that cannot have the same port."""
    gateway = subject.profile.gateway
    taken: dict[int, tuple[str, bool]] = {gateway.port: ("the gateway", True)} if gateway.port else {}
    for name, spec in subject.profile.services.items():
        if spec.url is not None or not isinstance(spec.port, int):
            continue
        starts = spec.autostart is not False
        for replica, port in enumerate(range(spec.port, spec.port + spec.replicas), 1):
            owner, owner_starts = taken.setdefault(port, (name, starts))
            if owner == name:
                continue
            who = f"{name} (replica {replica})" if spec.replicas > 1 else name
            message = f"{who} cannot have port {port}: it is that of {owner}"
            path = ("services", name, "port")
            if starts and owner_starts:
                yield Finding(path, message, "give each its own")
            else:  # two versions of one service, of which a person starts one
                yield Finding(path, message, "only one of them can run", severity="warning")
    for name, spec in subject.profile.services.items():
        where = _address(spec.url) if spec.url is not None else None
        if where is not None and where[0] == "loopback" and where[1] in taken and where[1] != gateway.port:
            owner = taken[where[1]][0]
            yield _warning(("services", name, "url"), f"this is the port of {owner}, which devgate starts itself")


def _replica_findings(path: KeyPath, spec: ServiceSpec, *, no_port: bool) -> Iterator[Finding]:
    if spec.url is not None:
        yield Finding(
            (*path, "replicas"), "replicas of a service that somebody else runs are not ours to start", "remove it"
        )
    elif spec.kind == "task":
        yield Finding((*path, "replicas"), "a task runs once", "remove replicas")
    elif no_port:
        yield Finding((*path, "replicas"), "replicas need ports to tell them apart", "add a port, or port: auto")
    elif isinstance(spec.port, int) and spec.port + spec.replicas - 1 > 65535:
        yield Finding((*path, "port"), f"{spec.replicas} replicas from port {spec.port} on end beyond 65535")


def _url_faults(url: str, *, remote: bool, service: str, whole: bool) -> Iterator[tuple[str, str]]:
    """Why an address cannot be used."""
    if re.search(r"[\x00-\x20\x7f-\x9f]", url):  # which urlsplit takes out, and a socket does not
        yield "an address holds no blanks and no control characters", "write it as http://127.0.0.1:7700"
        return
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        yield f"not an address: {error}", "write it as http://127.0.0.1:7700"
        return
    if parts.scheme not in ("http", "https") or not host:
        yield f"{url!r} is not an address of http or https", "write it as http://127.0.0.1:7700"
        return
    if port == 0:
        yield "port 0 cannot be connected to", "name the port"
    if parts.username is not None or parts.password is not None:
        yield "an address holds no credentials here", "let the client send them"
    if not whole and (parts.path not in ("", "/") or parts.query or parts.fragment):
        yield "an address ends with host and port", "paths are the routes' business"
    match reach_of_host(host):
        case Reach.MALFORMED:
            yield f"{host!r} is neither a name nor a plain address", "write four decimal numbers, or the name"
        case Reach.PROHIBITED:
            hint = "write 127.0.0.1" if host in ("0.0.0.0", "::") else ""
            yield f"{host} is never called: such addresses are for other purposes, or hold a cloud's credentials", hint
        case Reach.REMOTE if not remote:
            yield f"{host} is outside of this machine and its private networks", f"add allow_remote: true to {service}"
        case _:
            pass


def _address(url: str | None) -> tuple[str, int] | None:
    """`("loopback", port)` or `(host, port)`."""
    try:
        parts = urlsplit(url or "")
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    if port is None or not parts.hostname:
        return None
    return ("loopback" if reach_of_host(parts.hostname) is Reach.LOOPBACK else parts.hostname, port)


def _cycles(graph: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """Cycles that together hold every knot, each beginning with its first node in the order of `graph`, along the edges."""
    order = list(graph)
    left = {node: {other for other in others if other in graph} for node, others in graph.items()}
    while True:
        try:
            TopologicalSorter(left).prepare()
        except CycleError as error:
            nodes: list[str] = error.args[1][:0:-1]  # graphlib names them against the edges, the first one twice
            first = nodes.index(min(nodes, key=order.index))
            cycle = (*nodes[first:], *nodes[:first])
            yield cycle
            for node, following in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
                left[node].discard(following)
        else:
            return


def _warning(path: KeyPath, message: str) -> Finding:
    return Finding(path, message, severity="warning", at_key=True)
