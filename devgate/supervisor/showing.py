"""What is shown of a service that devgate runs, or that somebody else runs in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from devgate.model.snapshot import BreakerRow, InstanceRow, ServiceRow, SyncRow, TrafficRow
from devgate.model.status import Owner, ServiceState
from devgate.redact import redact_text
from devgate.supervisor.vitals import probe_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devgate.supervisor.runner import Runner
    from devgate.supervisor.service import Service
    from devgate.supervisor.world import World

NOTICED_S: Final = 0.5
"""Connections may end that long before their process is seen to be gone: a grandchild may keep it from being reaped."""

Number = TypeVar("Number", int, float)


def row_of(service: Service, world: World) -> ServiceRow:
    """The worst replica speaks for the service, or the first of those that are equally well."""
    state = service.state
    speaker = next(runner for runner in service.runners if runner.state is state)
    run, foreign, vitals, endpoint = speaker.last, speaker.foreign, speaker.vitals, speaker.instance.endpoint
    instances = tuple(_instance(runner, world) for runner in service.runners)
    own = instances[speaker.replica]
    return ServiceRow(
        name=service.name,
        state=state,
        owner=Owner.EXTERNAL if foreign is not None else Owner.DEVGATE,
        stub=run is not None and run.launch.stub and foreign is None,
        health=service.health,
        health_detail=service.health_detail,
        pid=own.pid,
        port=own.port,
        url=endpoint.url if endpoint is not None else "",
        uptime_s=own.uptime_s,
        restarts=sum(runner.restarts for runner in service.runners),
        exit_code=run.code if run is not None and foreign is None else None,
        cause=redact_text(speaker.cause) + _losses(speaker),
        last_error=redact_text(service.ring.last_error(speaker.run_number)) or _last_words(speaker),
        waiting_for=speaker.waiting.names,
        cpu_percent=_sum(instance.cpu_percent for instance in instances),
        memory_bytes=_sum(instance.memory_bytes for instance in instances),
        stale=service.stale,
        required=service.spec.required,
        instances=instances,
        traffic=TrafficRow(),
        breaker=BreakerRow(),
        sync=SyncRow(),
        response_ms=vitals.last.latency_s * 1000 if vitals is not None and vitals.last is not None else None,
        checked_at=vitals.checked_at if vitals is not None else None,
        probe=probe_text(service.spec.ready, own.port),
        probes=tuple(vitals.history) if vitals is not None else (),
        blocked_by=speaker.refusal.code if speaker.refusal is not None and state is ServiceState.BLOCKED else "",
        dependents=world.others.dependents_of(service.name),
        tty=speaker.now is not None and speaker.now.launch.window is not None,
    )


def _losses(runner: Runner) -> str:
    """How many requests a crash has failed: those that were under way and could not be sent again."""
    if runner.last is None or runner.state not in (ServiceState.CRASHED, ServiceState.BACKOFF):
        return ""
    count = runner.instance.lost(since=runner.last.ended_at - NOTICED_S)
    return f"; {count} request{'s' if count != 1 else ''} failed" if count else ""


def _last_words(runner: Runner) -> str:
    """What a failed process wrote last, whatever its words: that it has failed makes it the error."""
    if runner.last is None or runner.state not in (ServiceState.CRASHED, ServiceState.BACKOFF):
        return ""
    return runner.last.last_line


def _instance(runner: Runner, world: World) -> InstanceRow:
    run, foreign = runner.now, runner.foreign
    usage = world.usage(runner.service, runner.replica) if run is not None else None
    pid = run.pid if run is not None and run.code is None else None
    if foreign is not None and foreign.owner is not None:
        pid = foreign.owner.pid
    return InstanceRow(
        replica=runner.replica,
        state=runner.state,
        pid=pid,
        port=runner.port,
        uptime_s=run.uptime_s if run is not None else 0.0,
        restarts=runner.restarts,
        cpu_percent=usage.cpu_percent if usage is not None else None,
        memory_bytes=usage.memory_bytes if usage is not None else None,
        in_flight=runner.instance.in_flight,
        health=runner.health,
        left_out=runner.instance.shunned,
    )


def _sum(parts: Iterable[Number | None]) -> Number | None:
    """The sum of what is known; None if nothing is."""
    known = [part for part in parts if part is not None]
    return sum(known[1:], known[0]) if known else None
