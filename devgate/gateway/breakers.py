"""The breakers of all services, wired to their lives: the decisions are `policy.breaker`'s.

The directory says what becomes of a service. Only `crashed` and `blocked` open its breaker: then nobody brings it back. `ready`
lets an open one probe at once. Everything in between is the hold's business, and a deliberate stop says nothing about health;
see also `suspense`.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from devgate.gateway.outliers import Outliers
from devgate.gateway.suspense import Suspense
from devgate.model.events import BreakerChanged
from devgate.model.service import BreakerSpec
from devgate.model.snapshot import BreakerRow, CauseRow
from devgate.model.status import FAILED, BreakerState, Forced, ServiceState
from devgate.policy.breaker import Breaker, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devgate.clock import Clock
    from devgate.directory import Directory, Entry, Instance
    from devgate.model.events import Publish
    from devgate.model.service import ServiceSpec
    from devgate.policy.breaker import Admission, Change

_FAILED: Final = frozenset({Outcome.FAILURE, Outcome.TIMEOUT})
_FORCED: Final = {
    Forced.OPEN: "held open",
    Forced.CLOSED: "held closed",
    Forced.METRICS_ONLY: "only watching",
    Forced.DISABLED: "switched off",
}


class Fuse:
    """One service's breaker, with its clock, its voice, and those who wait for a probe's outcome."""

    def __init__(self, service: str, spec: BreakerSpec, outliers: Outliers, publish: Publish, clock: Clock) -> None:
        self.service = service
        self.outliers = outliers
        self.breaker = Breaker(spec, clock.now())
        self._publish = publish
        self._clock = clock
        self._moved = asyncio.Event()
        self.suspense = Suspense()

    def admit(self) -> Admission:
        admission = self.breaker.admit(self._clock.now())
        if admission.change is not None:
            self._announce(admission.change)
        return admission

    def record(
        self,
        admission: Admission,
        outcome: Outcome,
        cause: str = "",
        request_id: str = "",
        instance: Instance | None = None,
    ) -> None:
        """How a request has ended, at `instance` if it was sent to one."""
        change = self.breaker.record(admission, outcome, self._clock.now(), cause, request_id)
        if change is not None:
            self._announce(change)
        elif admission.slot:
            self._wake()
        if instance is not None and outcome in _FAILED and self.breaker.forced is None:
            self.outliers.failed(instance, self.breaker.spec.failures)

    def record_loss(self, admission: Admission, instance: Instance, cause: str, request_id: str) -> None:
        """The connection to `instance` has ended before its answer did; see `suspense`."""
        tell = partial(self.record, admission, cause=cause, request_id=request_id, instance=instance)
        self.suspense.add(instance, tell)

    def recovered(self) -> None:
        """Probes pass again: an open breaker tries at once. It is never closed by them: they ask for something else than requests
        do (Envoy's `successful_active_health_check_uneject_host`)."""
        if self.breaker.state is BreakerState.OPEN:
            self.returned("its probes pass again")

    def lost(self, cause: str) -> None:
        self._announce(self.breaker.lost(self._clock.now(), cause))

    def returned(self, cause: str) -> None:
        self._announce(self.breaker.returned(self._clock.now(), cause))

    def reset(self) -> None:
        self._announce(self.breaker.reset(self._clock.now(), "reset by hand"))

    def force(self, forced: Forced) -> None:
        how = _FORCED[forced]
        self._announce(self.breaker.force(forced, self._clock.now(), f"{how} by hand"))

    async def moved(self) -> None:
        """Wait until a probe has ended or the state has changed. Ask `admit`, then await: nothing falls between."""
        await self._moved.wait()

    def row(self) -> BreakerRow:
        now = self._clock.now()
        stats = self.breaker.stats(now)
        since_epoch = self._clock.wall() - now
        return BreakerRow(
            state=stats.state,
            forced=stats.forced,
            by_hand=stats.by_hand,
            since=round(since_epoch + stats.since, 3),
            failures=stats.failures,
            counted=stats.counted,
            opened=stats.opened,
            retry_in_s=stats.probe_in_s,
            why=stats.why,
            last_cause=stats.last.what if stats.last is not None else "",
            causes=tuple(CauseRow(round(since_epoch + one.at, 3), one.what, one.request_id) for one in stats.causes),
            totals=stats.totals,
        )

    def _announce(self, change: Change | None) -> None:
        if change is not None:
            self._publish(BreakerChanged(self.service, change.old, change.new, change.cause, self._clock.wall()))
        self._wake()

    def _wake(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()


class Breakers:
    """One fuse for each service of the running profile."""

    def __init__(self, directory: Directory, publish: Publish, clock: Clock) -> None:
        self._publish = publish
        self._clock = clock
        self._directory = directory
        self._fuses: dict[str, Fuse] = {}
        directory.listen(self._on_change)
        directory.on_recovery(self._on_recovery)

    def apply(self, services: Mapping[str, ServiceSpec]) -> None:
        """Take over a profile: a breaker whose settings are as before goes on as it is, and what was decided over its head by
        hand outlives other settings, too."""
        old, self._fuses = self._fuses, {}
        for name, spec in services.items():
            fuse = old.get(name)
            if fuse is None or fuse.breaker.spec != spec.breaker:
                fuse = self._new(name, spec.breaker, fuse)
            self._fuses[name] = fuse

    def get(self, service: str) -> Fuse:
        """The fuse of a service; one that the profile does not know has a fuse, too, with the usual settings."""
        fuse = self._fuses.get(service)
        if fuse is None:
            fuse = self._fuses[service] = self._new(service, BreakerSpec(), None)
        return fuse

    def _new(self, service: str, spec: BreakerSpec, old: Fuse | None) -> Fuse:
        outliers = old.outliers if old is not None else Outliers(self._directory, self._publish, self._clock)
        fuse = Fuse(service, spec, outliers, self._publish, self._clock)
        if old is not None and old.breaker.by_hand and old.breaker.forced is not None:
            fuse.force(old.breaker.forced)
        return fuse

    def _on_change(self, entry: Entry, instance: Instance, old: ServiceState) -> None:
        fuse = self._fuses.get(entry.service)
        if fuse is None or not entry.managed:
            return
        if instance.state is not ServiceState.READY:
            fuse.suspense.gone(instance)
        # One of several replicas is not the service: the others still answer.
        if entry.state in FAILED and instance.state in FAILED:
            code = f", exit code {entry.exit_code}" if entry.exit_code is not None else ""
            fuse.lost(f"{instance.state}{code}")
        elif instance.state is ServiceState.READY:
            fuse.returned("ready again")

    def _on_recovery(self, entry: Entry) -> None:
        fuse = self._fuses.get(entry.service)
        if fuse is not None:
            fuse.recovered()
