"""One look at a service: does it answer? Each probe is a coroutine that always returns, with the reason where it failed."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httptools

from devgate.resolver import LOOPBACKS, resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devgate.clock import Clock

BODY_LIMIT: Final = 64 * 1024

_GOOD: Final = frozenset({"healthy", "ok", "up", "pass", "green"})
_MIDDLING: Final = frozenset({"degraded", "warn", "yellow"})
_BAD: Final = frozenset({"unhealthy", "down", "fail", "red"})


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a probe has found."""

    ok: bool
    detail: str = ""
    """Why not; empty if all is well."""
    latency_s: float = 0.0
    degraded: bool = False
    """The service says so of itself."""
    refused: bool = False
    """Nobody listens there."""
    host: str = ""
    """The address that answered."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to look."""

    hosts: Sequence[str]
    port: int
    path: str = "/"
    tls: bool = False
    remote: bool = False
    """Whether that may be beyond this machine and its private networks (`allow_remote`)."""


def target_of(url: str, *, remote: bool = False) -> Target:
    """The address in a URL. `localhost` is both loopbacks, IPv4 first."""
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    hosts = LOOPBACKS if host == "localhost" else (host,)
    return Target(hosts, parts.port or (443 if tls else 80), path, tls, remote)


async def tcp(target: Target, timeout_s: float, clock: Clock) -> ProbeResult:
    """Somebody accepts a connection."""
    began = clock.now()
    try:
        async with asyncio.timeout(timeout_s):
            _, writer, host = await _connect(target)
            writer.close()
    except TimeoutError:
        return ProbeResult(ok=False, detail=f"no connection within {timeout_s:g} s", latency_s=clock.now() - began)
    except OSError as error:
        return _failed(error, clock.now() - began)
    return ProbeResult(ok=True, latency_s=clock.now() - began, host=host)


async def http(target: Target, timeout_s: float, clock: Clock) -> ProbeResult:
    """GET answers 200 to 399 and, where it says a status in JSON, not a bad one. Redirects are not followed."""
    began = clock.now()
    answer = _Answer()
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer, host = await _connect(target)
            try:
                name = f"[{host}]" if ":" in host else host
                writer.write(
                    f"GET {target.path} HTTP/1.1\r\nHost: {name}:{target.port}\r\nUser-Agent: devgate-probe\r\n"
                    "Accept: application/json, */*;q=0.5\r\nConnection: close\r\n\r\n".encode()
                )
                while not answer.complete and len(answer.body) <= BODY_LIMIT:
                    chunk = await reader.read(BODY_LIMIT)
                    if not chunk:
                        break
                    answer.parser.feed_data(chunk)
            finally:
                writer.close()
    except TimeoutError:
        return ProbeResult(ok=False, detail=f"no answer within {timeout_s:g} s", latency_s=clock.now() - began)
    except httptools.HttpParserError:
        return ProbeResult(ok=False, detail="what answers does not speak HTTP", latency_s=clock.now() - began)
    except OSError as error:
        return _failed(error, clock.now() - began)
    return _judged(answer, host, clock.now() - began)


class _Answer:
    """A response as the parser reports it."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.status = 0
        self.body = bytearray()
        self.complete = False

    def on_headers_complete(self) -> None:
        self.status = self.parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.complete = True


def _judged(answer: _Answer, host: str, latency_s: float) -> ProbeResult:
    if not answer.status:
        return ProbeResult(ok=False, detail="the connection ended without an answer", latency_s=latency_s, host=host)
    word = _status_word(bytes(answer.body[: BODY_LIMIT + 1]))
    ok = 200 <= answer.status <= 399 and word not in _BAD
    detail = ""
    if not ok:
        detail = f"answers {answer.status}" + (f" with status {word}" if word else "")
    elif word in _MIDDLING:
        detail = f"says it is {word}"
    return ProbeResult(ok=ok, detail=detail, latency_s=latency_s, degraded=word in _MIDDLING, host=host)


def _status_word(body: bytes) -> str:
    """The word for its status, if it is one that we know."""
    if len(body) > BODY_LIMIT or body.lstrip()[:1] != b"{":
        return ""
    try:
        status = json.loads(body).get("status")
    except (ValueError, RecursionError):
        return ""
    word = status.lower() if isinstance(status, str) else ""
    return word if word in _GOOD or word in _MIDDLING or word in _BAD else ""


async def _open(host: str, target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the first address of a host that takes one."""
    failure: OSError | None = None
    for where in await resolve(host, target.port, remote=target.remote):
        try:
            return await asyncio.open_connection(
                where.host,
                where.port,
                ssl=ssl.create_default_context() if target.tls else None,
                server_hostname=host if target.tls else None,
                limit=BODY_LIMIT,
            )
        except OSError as error:
            failure = failure or error
    assert failure is not None
    raise failure


async def _connect(target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, str]:
    """A connection to the first host that takes one."""
    failure: OSError | None = None
    for host in target.hosts:
        try:
            reader, writer = await _open(host, target)
        except OSError as error:
            failure = failure or error
            continue
        # Linux connects a socket to itself when it happens to choose the asked port as its own: nobody listens there.
        if writer.get_extra_info("sockname") == writer.get_extra_info("peername"):
            writer.transport.abort()
            failure = failure or ConnectionRefusedError("nobody listens")
            continue
        return reader, writer, host
    raise failure or OSError("no address")


def _failed(error: OSError, latency_s: float) -> ProbeResult:
    if isinstance(error, ConnectionRefusedError):
        return ProbeResult(ok=False, detail="refuses connections", latency_s=latency_s, refused=True)
    reason = error.strerror or str(error) or type(error).__name__
    return ProbeResult(ok=False, detail=reason[0].lower() + reason[1:], latency_s=latency_s)


class LogWatch:
    """Readiness by a line of output: asked like the others, told by the output."""

    def __init__(self, pattern: str, *, found: bool = False) -> None:
        self._pattern = re.compile(pattern)
        self.found = found

    def see(self, lines: Sequence[str]) -> bool:
        """Look at new lines; True if they are the first to match."""
        if self.found:
            return False
        self.found = any(self._pattern.search(line) for line in lines)
        return self.found
