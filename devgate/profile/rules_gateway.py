"""Rules about the gateway itself, what it is called, and the sync check."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from devgate.model.units import format_duration
from devgate.policy.addresses import Reach, is_loopback, reach_of_host
from devgate.policy.host import HostPolicy, HostVerdict
from devgate.profile.findings import HEADER_NAME, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from devgate.profile.findings import Subject

_ORIGIN: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#@:\[\]]*|\[[^\]]*\])(?::(\d*))?([/?#].*)?")
_USUAL_PORTS: Final = {"http": "80", "https": "443"}


def binding(subject: Subject) -> Iterator[Finding]:
    host = subject.profile.gateway.host
    path = ("gateway", "host")
    if host != "localhost" and not re.fullmatch(r"[0-9.]+|[0-9A-Fa-f:.]+(%\w+)?", host):
        yield Finding(
            path, f"host must be an address, not {host!r}", "127.0.0.1 is this machine only, 0.0.0.0 every network"
        )
    elif reach_of_host(host) is Reach.MALFORMED:
        yield Finding(path, f"{host!r} is not an address", "127.0.0.1 is this machine only, 0.0.0.0 every network")
    elif not is_loopback(host) and not subject.expose:
        yield Finding(
            path,
            f"{host} can be reached from other machines",
            "use 127.0.0.1, or start devgate with --expose if that is meant",
        )


def cors(subject: Subject) -> Iterator[Finding]:
    spec = subject.profile.gateway.cors
    for index, origin in enumerate(spec.origins):
        path = ("gateway", "cors", "origins", index)
        if origin == "*":
            if spec.credentials:
                yield Finding(
                    path, "* cannot be combined with credentials", "name the origins, or set credentials: false"
                )
        elif origin == "null":
            yield Finding(path, "null is refused: any page can have it", "name the page's real origin")
        else:
            yield from (Finding(path, message, hint) for message, hint in _origin_faults(origin))
    for index, method in enumerate(spec.methods):
        if not re.fullmatch(r"[A-Z][A-Z-]*", method):
            path = ("gateway", "cors", "methods", index)
            yield Finding(path, f"{method!r} is not a method", f"browsers compare exactly; write {method.upper()}")

    for key, names in (("headers", spec.headers), ("expose", spec.expose)):
        for index, name in enumerate(names):
            if not re.fullmatch(HEADER_NAME, name):
                yield Finding(("gateway", "cors", key, index), f"{name!r} is not the name of a header")


def host_names(subject: Subject) -> Iterator[Finding]:
    for index, host in enumerate(subject.profile.gateway.hosts):
        if not re.fullmatch(r"[A-Za-z0-9_.-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?", host):
            hint = "write it as in a Host header, without scheme and path: dev.example.test"
            yield Finding(("gateway", "hosts", index), f"{host!r} is not a host name", hint)


def route_hosts(subject: Subject) -> Iterator[Finding]:
    """What a route wants to be called, the gateway has to be called."""
    gateway = subject.profile.gateway
    known = [name.lower().rpartition(":")[0] or name.lower() for name in gateway.hosts]
    ours = HostPolicy(known, ("127.0.0.1", "::1"), 0)
    for index, route in enumerate(subject.profile.routes):
        for at, host in enumerate(route.hosts):
            path = ("routes", index, "hosts", at)
            if not re.fullmatch(r"(\*\.)?[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]", host):
                hint = "a name without scheme, port and path; *. may stand in front"
                yield Finding(path, f"{host!r} is not a host name", hint)
            elif not _called(host.lower(), known, ours):
                message = f"no request gets here: the gateway is not called {host}"
                yield Finding(
                    path, message, "add the name to gateway.hosts, else it is answered with 403", severity="warning"
                )


def _called(host: str, known: Sequence[str], ours: HostPolicy) -> bool:
    """Whether a request may call the gateway so. Which addresses it has, only the machine knows."""
    if host.startswith("*."):
        return host.endswith(".localhost") or any(name.endswith(host[1:]) for name in known)
    literal = host.startswith("[") or host.replace(".", "").isdigit()
    return literal or ours.judge(host.encode()) is HostVerdict.OURS


def sync_times(subject: Subject) -> Iterator[Finding]:
    spec = subject.profile.sync
    if spec.enabled is not False and spec.critical <= spec.warning:
        message = (
            f"critical ({format_duration(spec.critical)}) must come after warning ({format_duration(spec.warning)})"
        )
        yield Finding(("sync", "critical"), message)


def _origin_faults(origin: str) -> Iterator[tuple[str, str]]:
    """What keeps an origin from ever being equal to what a browser sends (RFC 6454 6.2: scheme, host, port if unusual)."""
    match = _ORIGIN.fullmatch(origin)
    if match is None:
        yield (
            f"{origin!r} is not an origin",
            "write scheme and host, and the port if there is one: http://localhost:1420",
        )
        return
    scheme, host, port, rest = match.groups()
    right = f"{scheme}://{host}" + (f":{port}" if port else "")
    if rest:
        yield "an origin has no path, not even a slash at its end", f"write {right}"
    if not host:
        yield "an origin has a host", "as in http://localhost:1420"
    if right != right.lower():
        yield "browsers write origins in lower case", f"write {right.lower()}"
    if port and port == _USUAL_PORTS.get(scheme.lower()):
        yield f"browsers leave out port {port} of {scheme}", f"write {scheme}://{host}"
    if port == "" or (port or "1").lstrip("0") != (port or "1") or int(port or 1) > 65535:
        yield f"{port!r} is not a port", "a number from 1 to 65535 without leading zeros"
    if "*" in origin and not re.fullmatch(r"\*\.[^*]+", host):
        yield "* stands for one whole label at the beginning", "as in http://*.example.test"
    if not host.isascii():
        yield "browsers write such a host in its ASCII form", f"write {_ascii(scheme, host, port)}"


def _ascii(scheme: str, host: str, port: str | None) -> str:
    try:
        name = host.encode("idna").decode()
    except UnicodeError:
        name = "xn--..."
    return f"{scheme}://{name}" + (f":{port}" if port else "")
