"""Instances that are left out for a while because of how they have answered: `policy.marks` with the directory and a timer.

A replica whose probes pass may still fail what it is asked. Its failures are only a share of the service's, so the service's
breaker hardly ever opens; here each instance is judged by its own row of failures, as many as would open the breaker (SEMANTICS
3.10; Envoy's outlier detection). It comes back by itself and is left out for longer if nothing is better.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devgate.model.events import ReplicaLeftOut
from devgate.policy.marks import Marks

if TYPE_CHECKING:
    from devgate.clock import Clock
    from devgate.directory import Directory, Instance
    from devgate.model.events import Publish


class Outliers:
    """Those of one service."""

    def __init__(self, directory: Directory, publish: Publish, clock: Clock) -> None:
        self._directory = directory
        self._publish = publish
        self._clock = clock
        self._marks: Marks[Instance] = Marks()

    def refused(self, instance: Instance) -> None:
        """Nobody has accepted a connection. What that means the supervisor will say."""
        self._leave_out(instance, self._marks.add(instance, instance.epoch, self._clock.now()))

    def failed(self, instance: Instance, enough: int) -> None:
        """It has failed a request; `enough` in a row are too many."""
        ended = instance.entered - instance.in_flight
        lasts_s = self._marks.fail(instance, instance.epoch, ended, enough, self._clock.now())
        if self._leave_out(instance, lasts_s) and lasts_s is not None:
            why, at = f"{enough} failures in a row", self._clock.wall()
            self._publish(ReplicaLeftOut(instance.service, instance.replica, lasts_s, why, at))

    def _leave_out(self, instance: Instance, lasts_s: float | None) -> bool:
        """Whether it is, from now on."""
        entry = self._directory.get(instance.service)
        if lasts_s is None or entry is None or len(entry.instances) == 1:
            return False
        self._directory.shun(instance)
        asyncio.get_running_loop().call_later(lasts_s, self._directory.readmit, instance, instance.epoch)
        return True
