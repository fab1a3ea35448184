"""What a face may ask of a running devgate, one small class a noun. Each request is announced: that is the audit trail."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from devgate.errors import CommandError
from devgate.model.events import OperatorActed, Publish

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devgate.clock import Clock
    from devgate.gateway.gateway import Gateway
    from devgate.model.detail import Replayed, RequestDetail
    from devgate.model.fault import Fault
    from devgate.model.query import LogSlice, RequestName, RequestPage
    from devgate.model.status import Forced
    from devgate.monitor.sync import SyncMonitor
    from devgate.supervisor.supervisor import Supervisor


def unknown_service(name: str, known: Iterable[str]) -> CommandError:
    """The refusal of a name that no service has."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"services are {', '.join(names) or 'none'}"
    return CommandError(f"there is no service {name!r}", hint=hint, code="unknown-service", status=404, exit_code=2)


class Audit:
    """Announces who asked for what."""

    def __init__(self, publish: Publish, clock: Clock) -> None:
        self._publish = publish
        self._clock = clock

    def note(self, action: str, target: str, by: str = "operator") -> None:
        self._publish(OperatorActed(action=action, target=target, by=by, at=self._clock.wall()))


class Services:
    """`Control.services` over the supervisor."""

    def __init__(self, supervisor: Supervisor, audit: Audit) -> None:
        self._supervisor = supervisor
        self._audit = audit

    def _known(self, name: str) -> None:
        if name not in self._supervisor.names:
            raise unknown_service(name, list(self._supervisor.names))

    async def start(self, name: str, *, dependents: bool = False) -> None:
        self._known(name)
        self._audit.note("start", name)
        await self._supervisor.orders.start(name, dependents=dependents)

    async def stop(self, name: str, *, dependents: bool = False) -> None:
        self._known(name)
        self._audit.note("stop", name)
        await self._supervisor.orders.stop(name, dependents=dependents)

    async def restart(self, name: str, *, dependents: bool = False) -> None:
        self._known(name)
        self._audit.note("restart", name)
        await self._supervisor.orders.restart(name, dependents=dependents)

    async def kill(self, name: str) -> None:
        self._known(name)
        self._audit.note("kill", name)
        await self._supervisor.orders.kill(name)

    async def adopt(self, name: str) -> None:
        self._known(name)
        self._audit.note("adopt", name)
        await self._supervisor.orders.adopt(name)

    async def take_port(self, name: str) -> None:
        self._known(name)
        self._audit.note("take the port of", name)
        await self._supervisor.orders.take_port(name)

    async def type_into(self, name: str, data: bytes) -> None:
        self._known(name)
        await self._supervisor.orders.type_into(name, data)

    async def resize(self, name: str, columns: int, rows: int) -> None:
        self._known(name)
        self._supervisor.orders.resize(name, columns, rows)

    async def logs(self, names: Sequence[str], after: int = 0, limit: int = 1000) -> LogSlice:
        for name in names:
            self._known(name)
        return self._supervisor.logs(names, after, limit)


class Traffic:
    """`Control.gateway` over the gateway."""

    def __init__(self, gateway: Gateway, audit: Audit) -> None:
        self._gateway = gateway
        self._audit = audit

    async def reset_breaker(self, service: str) -> None:
        self._audit.note("reset breaker", service)
        self._gateway.reset_breaker(service)

    async def force_breaker(self, service: str, forced: Forced) -> None:
        self._audit.note(f"force breaker {forced}", service)
        self._gateway.force_breaker(service, forced)

    async def clear_cache(self, prefix: str = "") -> int:
        self._audit.note("clear the cache", prefix)
        return self._gateway.clear_cache(prefix)

    async def set_fault(self, route: str, fault: Fault, lasts_s: float) -> None:
        self._audit.note("fault", route)
        self._gateway.set_fault(route, fault, lasts_s)

    async def clear_faults(self, route: str | None = None) -> None:
        self._audit.note("clear faults", route or "")
        self._gateway.clear_faults(route)

    async def requests(self, after: int = 0, limit: int = 100, *, under_way: bool = False) -> RequestPage:
        return self._gateway.requests(after, limit, under_way=under_way)

    async def request(self, name: RequestName) -> RequestDetail:
        return await self._gateway.inspector.request(name)

    async def replay(self, seq: int, text: str | None = None) -> Replayed:
        self._audit.note("replay" if text is None else "replay with changes", f"request {seq}")
        return await self._gateway.inspector.replay(seq, text)


class Sync:
    """`Control.sync` over the monitor; who asks for a check wants to know how things are, so probes do not wait either."""

    def __init__(self, monitor: SyncMonitor, supervisor: Supervisor, audit: Audit) -> None:
        self._monitor = monitor
        self._supervisor = supervisor
        self._audit = audit

    async def check(self) -> None:
        self._audit.note("check", "sync")
        for row in self._supervisor.rows():
            for instance in row.instances:
                self._supervisor.suspect(row.name, instance.replica)
        await self._monitor.check()
