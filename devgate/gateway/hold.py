"""Requests wait while their service comes back, instead of failing (SEMANTICS 3.3).

The state of its life decides, never a timer: a service that is waiting, starting, or stopping within a restart will be there
soon, and a page that gets a slow answer is better off than one that gets a 503. Who waits is woken by the directory. The body
is not read meanwhile: its bytes stay in the client's socket.

Of a service that somebody else runs nothing is known but whether it answers. It is waited for only where the profile says so
(`gateway.hold_unmanaged`): while it does not answer it is looked at several times a second, so that is how it is found.

One queue per service, first come first served. Only its head looks at the directory; when the service is there the head leaves
and lets the next one look. So a service that has just started gets its first requests in order and not all at once, and if it
falls again while the queue empties, the rest simply goes on waiting.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from devgate.gateway.failures import Failure
from devgate.model.status import ServiceState

if TYPE_CHECKING:
    from devgate.clock import Clock
    from devgate.directory import Directory, Entry, Instance

CAPACITY: Final = 1_024
"""Five seconds of 200 requests a second: a crash, its backoff and a slow start."""
BATCH: Final = 16
"""Requests released in a row ..."""
PAUSE_S: Final = 0.01
"""... before a pause, in which the service can take them in."""
GRACE_S: Final = 2.0
"""How long after it has become known a service may be one of which nothing has been heard: the gateway listens before the
services are started, and before the first look at those that others run."""

_CODES: Final = {
    ServiceState.BLOCKED: "blocked",
    ServiceState.CRASHED: "crashed",
    ServiceState.READY: "no-healthy-instance",
}
"""Slugs of the states that are not simply `stopped`. Ready, and yet nobody serves: a service without a port."""
_HINTS: Final = {
    "blocked": "mend what blocks it, then start it again",
    "crashed": "look at its log, then start it again",
    "stopped": "start it, or remove the route",
}


class Queue:
    """Requests that wait for one service."""

    def __init__(self, service: str, directory: Directory, clock: Clock) -> None:
        self._service = service
        self._directory = directory
        self._clock = clock
        self.turns: deque[asyncio.Future[None]] = deque()
        """Those who wait."""
        self.waits = 0
        """How often somebody really had to wait: for his turn, or for the service to move."""
        self._released = 0
        self._heard_of = asyncio.Event()
        self._patient_until = clock.now() + GRACE_S

    def hear(self) -> None:
        """The service has moved for the first time."""
        self._heard_of.set()

    async def serving(self, deadline: float) -> Entry:
        """Wait until an instance of the service takes requests.

        Args:
            deadline: monotonic seconds.

        Raises:
            Failure: it will not come back by itself, did not come back in time, or too many wait already.
        """
        if len(self.turns) >= CAPACITY:
            raise Failure(
                "overloaded",
                f"{CAPACITY} requests wait for {self._service} already.",
                stage="lifecycle",
            )
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.turns.append(turn)
        if self.turns[0] is turn:
            turn.set_result(None)
        else:
            self.waits += 1
        patient_until = deadline if self._heard_of.is_set() else max(deadline, self._patient_until)
        try:
            async with asyncio.timeout(max(0.0, patient_until - self._clock.now())):
                await turn
            return await self._watch(deadline)
        except TimeoutError:
            raise self._late() from None
        finally:
            first = self.turns[0] is turn
            self.turns.remove(turn)
            if first:
                self._pass_on()

    async def _watch(self, deadline: float) -> Entry:
        while True:
            entry = self._directory.get(self._service)
            if entry is not None and entry.serving:
                return entry
            try:
                check_returning(self._service, entry)
            except Failure:
                now = self._clock.now()
                if not self._heard_of.is_set() and now < self._patient_until:
                    self.waits += 1
                    await self._word()
                    continue
                if entry is None or entry.managed or now >= deadline:
                    raise
            assert entry is not None
            self.waits += 1
            async with asyncio.timeout(max(0.0, deadline - self._clock.now())):
                await entry.changed()

    async def _word(self) -> None:
        """Wait until something is heard of the service, or until it is too late for that."""
        try:
            async with asyncio.timeout(self._patient_until - self._clock.now()):
                await self._heard_of.wait()
        except TimeoutError:
            pass

    def _pass_on(self) -> None:
        """The head has left: the next one is to look."""
        if not self.turns:
            self._released = 0
            return
        self._released += 1
        if self._released % BATCH:
            self._wake()
        else:
            asyncio.get_running_loop().call_later(PAUSE_S, self._wake)

    def _wake(self) -> None:
        if self.turns and not self.turns[0].done():
            self.turns[0].set_result(None)

    def _late(self) -> Failure:
        entry = self._directory.get(self._service)
        state = "gone" if entry is None else entry.state.value
        detail = f" ({entry.detail})" if entry is not None and entry.detail else ""
        return Failure(
            "hold-timeout",
            f"{self._service} is still {state}{detail}.",
            hint="look at its log, or give it more time with gateway.hold"
            if entry is None or entry.managed
            else "start it, or give it more time with gateway.hold_unmanaged",
            stage="lifecycle",
            facts={"state": state},
        )


def check_returning(service: str, entry: Entry | None) -> None:
    """Make sure that waiting for a service is worth it; one that a request may start is started.

    Raises:
        Failure: nobody brings it back. With its state, exit code and last error line.
    """
    if entry is None:
        raise Failure(
            "no-healthy-instance", f"There is no service {service} in the running profile.", stage="lifecycle"
        )
    if entry.returning or (entry.managed and any(map(_in_between, entry.instances))):
        return
    state = entry.state
    if state is ServiceState.STOPPED and entry.wanted is not None:
        entry.wanted()
        return
    code = _CODES.get(state, "stopped")
    if not entry.managed:
        code = "no-healthy-instance"
    exited = f" with exit code {entry.exit_code}" if entry.exit_code is not None else ""
    raise Failure(
        code,
        f"{service} is {state}{exited}{f': {entry.detail}' if entry.detail else ''}.",
        hint=_HINTS.get(code, ""),
        stage="lifecycle",
        facts={"state": state.value, "exit_code": entry.exit_code, "last_line": entry.last_line},
    )


def nobody_sound(entry: Entry) -> Failure:
    """What is said to a request that is given to nobody because every instance is unhealthy."""
    return Failure(
        "no-healthy-instance",
        f"Every instance of {entry.service} is unhealthy; only GET and HEAD are still passed on.",
        hint="look at its probes, which may be wrong",
        stage="lifecycle",
        facts={"state": entry.state.value},
    )


def _in_between(instance: Instance) -> bool:
    """Withdrawn but still called ready: it is about to move, and only then is it known whether it comes back."""
    return instance.withdrawn and instance.state is ServiceState.READY
