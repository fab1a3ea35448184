"""A supervisor with real processes, and the certainty that none of them is left."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devgate import processes
from devgate.clock import SystemClock
from devgate.directory import Directory
from devgate.files import FileWatcher
from devgate.model.events import ProcessExited, ServiceChanged
from devgate.model.profile import Profile
from devgate.model.status import ServiceState
from devgate.profile.diff import diff
from devgate.supervisor import ports
from devgate.supervisor.supervisor import Supervisor
from tests.deadline import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from devgate.directory import Entry
    from devgate.model.events import Event
    from devgate.model.plan import Plan
    from devgate.model.snapshot import ServiceRow

ROOT = Path(__file__).parents[2]


class System:
    """One supervisor under test."""

    def __init__(self, folder: Path, mark: str, options: dict[str, Any]) -> None:
        self.events: list[Event] = []
        self.directory = Directory()
        self.folder = folder
        self.mark = mark
        environ = {**os.environ, "PYTHONPATH": str(ROOT)} | options.pop("environ", {})
        for name in [name for name in environ if name.startswith("DEVGATE_")]:
            del environ[name]
        clock = SystemClock()
        self.files = FileWatcher(clock)
        self.supervisor = Supervisor(
            self.directory,
            self.events.append,
            clock,
            state_dir=folder / ".devgate",
            environ=environ,
            gateway_url=lambda: "http://127.0.0.1:8080",
            mark=mark,
            files=self.files,
            **options,
        )

    async def start(self, services: dict[str, Any], **profile: Any) -> None:
        self.profile = Profile.model_validate({"services": services} | profile)
        await self.supervisor.start(self.profile)

    async def become(self, services: dict[str, Any], *, switch: bool = True, **profile: Any) -> Plan:
        """Go over to another profile; `switch=False` is an edited file."""
        new = Profile.model_validate({"services": services} | profile)
        plan = self.supervisor.foresee(new, diff(self.profile, new, source="test", switch=switch))
        self.profile = new
        await self.supervisor.converge(new, plan)
        return plan

    def view(self, name: str) -> ServiceRow:
        return next(view for view in self.supervisor.rows() if view.name == name)

    def entry(self, name: str) -> Entry:
        entry = self.directory.get(name)
        assert entry is not None
        return entry

    def state(self, name: str) -> ServiceState:
        return self.view(name).state

    def lines(self, name: str) -> list[str]:
        return [line.text for line in self.supervisor.logs([name], 0, 10**6).lines]

    def states(self, name: str) -> list[ServiceState]:
        """Every state that a service has been in, in order."""
        changes = [event for event in self.events if isinstance(event, ServiceChanged) and event.service == name]
        return [ServiceState.STOPPED, *(change.new for change in changes)]

    def causes(self, name: str, new: ServiceState) -> list[str]:
        return [
            event.cause
            for event in self.events
            if isinstance(event, ServiceChanged) and event.service == name and event.new is new
        ]

    def exits(self, name: str) -> list[ProcessExited]:
        return [event for event in self.events if isinstance(event, ProcessExited) and event.service == name]

    async def until(self, condition: Callable[[], Any], what: str = "") -> Any:
        """The first true value of `condition()`."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                while not (value := condition()):
                    await asyncio.sleep(0.005)
        except TimeoutError:
            logs = "\n".join(line.text for line in self.supervisor.logs([], 0, 50).lines)
            raise AssertionError(f"not in time: {what or condition}\n{self.events[-10:]}\n{logs}") from None
        return value

    async def state_is(self, name: str, state: ServiceState) -> None:
        await self.until(lambda: self.state(name) is state, f"{name} {state}, is {self.view(name)}")

    def ours(self) -> list[processes.Process]:
        """Everything alive that this supervisor has started."""
        return [p for pid, p in processes.table().items() if not p.zombie and processes.carries(pid, f"{self.mark}:")]


@pytest.fixture
async def supervise(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Callable[..., Awaitable[System]]]:
    """`await supervise(services, option=...)` starts a supervisor; afterwards nothing of it may be left."""

    @asynccontextmanager
    async def running(
        services: dict[str, Any], profile: dict[str, Any], options: dict[str, Any]
    ) -> AsyncIterator[System]:
        system = System(tmp_path, f"test{os.getpid()}x{abs(hash(request.node.name))}", options)
        with system.files:
            async with system.supervisor:
                await system.start(services, **profile)
                yield system
                await system.supervisor.shutdown(now=True)
        left = system.ours()
        assert not left, f"left: {left}"

    async with AsyncExitStack() as stack:

        async def start(services: dict[str, Any], profile: dict[str, Any] | None = None, **options: Any) -> System:
            return await stack.enter_async_context(running(services, profile or {}, options))

        yield start


@pytest.fixture
def free_port() -> int:
    with ports.reserve() as held:
        port: int = held.getsockname()[1]
        return port


@pytest.fixture
def two_ports() -> int:
    """The first of two free ports in a row."""
    while True:
        with ports.reserve() as held:
            port: int = held.getsockname()[1]
        if not ports.taken(port + 1):
            return port
