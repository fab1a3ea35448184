"""What probes have said about one address, and how an address is looked at."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from devgate.model.snapshot import ProbeRow
from devgate.model.units import format_duration
from devgate.policy.restart import end_text
from devgate.redact import redact_text
from devgate.resolver import LOOPBACKS
from devgate.supervisor import probes
from devgate.supervisor.once import run_once
from devgate.supervisor.probes import ProbeResult, Target
from devgate.supervisor.readiness import Readiness

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from devgate.clock import Clock
    from devgate.model.service import ProbeSpec
    from devgate.supervisor.launch import Launch
    from devgate.supervisor.probes import LogWatch

PROBES_KEPT: Final = 20
ALIVE_IS_READY_S: Final = 1.0
"""Without a port and without a probe: ready after being alive for so long."""


class Vitals:
    """The judgement so far, and the last results."""

    def __init__(self) -> None:
        self.readiness = Readiness()
        self.last: ProbeResult | None = None
        self.checked_at: float | None = None
        """Of the last probe, seconds since the epoch."""
        self.history: deque[ProbeRow] = deque(maxlen=PROBES_KEPT)
        """Newest last."""

    def observe(self, result: ProbeResult, spec: ProbeSpec, at: float) -> None:
        self.last, self.checked_at = result, at
        self.readiness.observe(result, spec)
        said = redact_text(self.readiness.detail) if self.readiness.detail else ""
        self.history.append(ProbeRow(at, result.ok, result.latency_s * 1000, said))


def probe_text(spec: ProbeSpec, port: int | None) -> str:
    """What `probe_of` looks at, and how often once it is ready."""
    if spec.http is not None:
        what = f"GET {spec.http}"
    elif spec.exec is not None:
        what = spec.exec if isinstance(spec.exec, str) else " ".join(spec.exec)
    elif spec.log is not None:
        what = f"a line that matches {spec.log}"
    elif port is not None or spec.tcp is not None:
        own = spec.tcp if isinstance(spec.tcp, int) and spec.tcp is not True else port
        what = f"TCP connect to {own}"
    else:
        what = f"alive for {ALIVE_IS_READY_S:g} s"
    return redact_text(f"{what} every {format_duration(spec.interval)}")


def probe_of(
    spec: ProbeSpec, launch: Launch, watch: LogWatch | None, clock: Clock, *, remote: bool = False
) -> Callable[[], Awaitable[ProbeResult]]:
    """How one run of a service is looked at.

    A stand-in is asked on its own port, whatever the real one's probe is: it writes none of its lines and has none of its
    programs.
    """
    port = launch.port
    if spec.http is not None and (target := http_target(spec.http, port, own=launch.stub, remote=remote)) is not None:
        return lambda: probes.http(target, spec.timeout, clock)
    if not launch.stub:
        if spec.exec is not None:
            text = spec.exec
            return lambda: _exec(text, launch, spec.timeout, clock)
        if watch is not None:
            return lambda: _told(watch)
        if isinstance(spec.tcp, int) and spec.tcp is not True:
            port = spec.tcp
    if port is not None:
        address = Target(LOOPBACKS, port)
        return lambda: probes.tcp(address, spec.timeout, clock)
    began = clock.now()
    return lambda: _alive(began, clock)


def http_target(text: str, port: int | None, *, own: bool = False, remote: bool = False) -> Target | None:
    """Where `ready.http` points: a path on the service's port, or a whole URL. None: a path, and there is no port.

    Args:
        own: the port is the service's, even if the URL names another.
        remote: the URL may lead beyond this machine and its private networks (`allow_remote`).
    """
    parts = urlsplit(text)
    if parts.scheme and not own:
        return probes.target_of(text, remote=remote)
    if port is None:
        return None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(LOOPBACKS, port, path)


async def _exec(text: str | tuple[str, ...], launch: Launch, timeout_s: float, clock: Clock) -> ProbeResult:
    began = clock.now()
    code, line = await run_once(text, launch, timeout_s)
    latency_s = clock.now() - began
    if code == 0:
        # Starting a program takes its time; that says nothing about the service.
        return ProbeResult(ok=True)
    what = end_text(code) if code is not None else f"probe took longer than {timeout_s:g} s"
    return ProbeResult(ok=False, detail=f"{what}: {line}" if line else what, latency_s=latency_s)


async def _told(watch: LogWatch) -> ProbeResult:
    return ProbeResult(ok=watch.found, detail="" if watch.found else "the awaited line has not been written")


async def _alive(began: float, clock: Clock) -> ProbeResult:
    await asyncio.sleep(max(began + ALIVE_IS_READY_S - clock.now(), 0.0))
    return ProbeResult(ok=True)
