"""`control.Control` of a devgate that runs in another process."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Self
from urllib.parse import quote

from devgate.errors import CommandError
from devgate.model.anatomy import Anatomy
from devgate.model.detail import Replayed, RequestDetail
from devgate.model.plan import Plan
from devgate.model.query import LogSlice, RequestName, RequestPage
from devgate.model.snapshot import Snapshot
from devgate.remote.link import ANSWER_S, GONE, Link, Transport, lost, understood
from devgate.tasks import Scope

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from devgate.model.events import Publish
    from devgate.model.fault import Fault
    from devgate.model.status import Forced

Verb = Literal["start", "stop", "restart", "adopt", "take-port"]
"""What can be asked of a service by its name alone."""

WAIT_S: Final = 20.0
"""How long a pull waits at the other end for something new."""
PAUSE_S: Final = 0.1
"""Between two pulls: the rest of the 250 ms that a picture may be old belongs to whoever draws it there."""
NOW_S: Final = 2.0
"""How long a stop that is meant to happen now may take to be heard; after that there are other means."""
LISTED_EVERY_S: Final = 5.0
PATIENCE: Final = 3
"""Pulls in a row that fail until the picture is no longer shown as the present one."""


class RemoteControl:
    """`control.Control` of the devgate at the other end of `transport`.

    Entered, it keeps the picture up to date in the background: what a screen needs. Not entered, it asks nothing that it is not
    asked, and `pull` is what brings a picture: what a verb needs.
    """

    def __init__(self, transport: Transport, publish: Publish) -> None:
        self._link = Link(transport)
        self._scope = Scope("remote", publish)
        self._snapshot: Snapshot | None = None
        self._failures = 0
        self._lost: CommandError | None = None
        self._farewell: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()
        self.services = RemoteServices(self._link)
        self.gateway = RemoteGateway(self._link)
        self.sync = RemoteSync(self._link)
        self.profiles = RemoteProfiles(self._link)

    async def __aenter__(self) -> Self:
        await self.pull()
        await self.profiles.pull()
        await self._scope.__aenter__()
        self._scope.guarded("follow", self._follow)
        self._scope.guarded("profiles", self._follow_profiles)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._farewell is not None:  # a stop that was asked for is delivered before we leave
            await asyncio.wait([self._farewell], timeout=ANSWER_S)
        await self._scope.__aexit__(kind, error, trace)

    async def gone(self) -> None:
        """Wait until devgate has ended; only when entered."""
        await self._gone.wait()

    @property
    def seq(self) -> int:
        return self.snapshot().seq

    def snapshot(self) -> Snapshot:
        """The last whole picture.

        Raises:
            CommandError: `not-running`, `connection-lost` or `no-answer`: there is no present one.
        """
        if self._lost is not None:
            raise lost(self._lost.message, self._lost.code)
        assert self._snapshot is not None, "pulled before it is shown"
        return self._snapshot

    async def pull(self, wait_s: float = 0.0) -> Snapshot:
        """Bring the picture up to date: it shows the effect of every command that has returned. With `wait_s`, wait so long
        for another one than the present."""
        query: dict[str, object] = {}
        if wait_s and self._snapshot is not None:
            query = {"after": self._snapshot.seq, "wait": f"{wait_s:g}s"}
        self._snapshot = await self._link.get(Snapshot, "/v1/snapshot", query, ANSWER_S + wait_s)
        return self._snapshot

    def request_stop(self, reason: str, *, now: bool = False) -> None:
        self._farewell = self._scope.once("stop", self._say_stop(reason, now=now))

    async def stop(self, reason: str, *, now: bool = False) -> None:
        """`request_stop`, and know that it has arrived."""
        await self._link.post("/v1/stop", {"reason": reason, "now": now}, NOW_S if now else ANSWER_S)

    async def _say_stop(self, reason: str, *, now: bool) -> None:
        try:
            await self.stop(reason, now=now)
        except CommandError as error:
            if error.code != GONE:  # then it has stopped
                raise

    async def _follow(self) -> None:
        """Pull until devgate is gone for good: its port will be another's, who must not be told our token."""
        while self._lost is None or self._lost.code != GONE:
            try:
                await self.pull(WAIT_S)
                self._failures, self._lost = 0, None
            except CommandError as error:
                self._failures += 1
                if error.code == GONE or self._failures >= PATIENCE:
                    self._lost = error
            await asyncio.sleep(PAUSE_S)
        self._gone.set()

    async def _follow_profiles(self) -> None:
        while self._lost is None:
            await asyncio.sleep(LISTED_EVERY_S)
            try:
                await self.profiles.pull()
            except CommandError:  # `_follow` is the one that notices
                continue


class RemoteServices:
    def __init__(self, link: Link) -> None:
        self._link = link

    async def start(self, name: str, *, dependents: bool = False) -> None:
        await self._act(name, "start", dependents=dependents)

    async def stop(self, name: str, *, dependents: bool = False) -> None:
        await self._act(name, "stop", dependents=dependents)

    async def restart(self, name: str, *, dependents: bool = False) -> None:
        await self._act(name, "restart", dependents=dependents)

    async def kill(self, name: str) -> None:
        await self._act(name, "kill")

    async def adopt(self, name: str) -> None:
        await self._act(name, "adopt")

    async def take_port(self, name: str) -> None:
        await self._act(name, "take-port")

    async def type_into(self, name: str, data: bytes) -> None:
        await self._link.ask("POST", f"/v1/services/{_segment(name)}/input", data, ANSWER_S)

    async def resize(self, name: str, columns: int, rows: int) -> None:
        await self._link.post(f"/v1/services/{_segment(name)}/size", {"columns": columns, "rows": rows}, ANSWER_S)

    async def begin(self, verb: Verb, name: str, *, dependents: bool = False) -> None:
        """Ask for a command and do not wait for the state; what is refused at once is raised."""
        await self._act(name, verb, wait=False, **({"dependents": True} if dependents else {}))

    async def logs(self, names: Sequence[str], after: int = 0, limit: int = 1000) -> LogSlice:
        query = {"service": list(names), "after": after, "limit": limit}
        return await self._link.get(LogSlice, "/v1/logs", query)

    async def _act(self, name: str, verb: str, **options: bool) -> None:
        await self._link.post(f"/v1/services/{_segment(name)}/{verb}", options)


class RemoteGateway:
    def __init__(self, link: Link) -> None:
        self._link = link

    async def reset_breaker(self, service: str) -> None:
        await self._link.post(f"/v1/breakers/{_segment(service)}/reset", {})

    async def force_breaker(self, service: str, forced: Forced) -> None:
        await self._link.post(f"/v1/breakers/{_segment(service)}/force", {"forced": forced})

    async def clear_cache(self, prefix: str = "") -> int:
        return int((await self._link.post("/v1/cache/clear", {"prefix": prefix}))["cleared"])

    async def set_fault(self, route: str, fault: Fault, lasts_s: float) -> None:
        await self._link.post("/v1/faults", {"route": route, "fault": fault, "lasts_s": lasts_s})

    async def clear_faults(self, route: str | None = None) -> None:
        await self._link.post("/v1/faults/clear", {"route": route})

    async def requests(self, after: int = 0, limit: int = 100, *, under_way: bool = False) -> RequestPage:
        return await self._link.get(
            RequestPage, "/v1/requests", {"after": after, "limit": limit, "under_way": int(under_way)}
        )

    async def request(self, name: RequestName) -> RequestDetail:
        path, query = ("/v1/request", {"id": name}) if isinstance(name, str) else (f"/v1/requests/{name}", {})
        return await self._link.get(RequestDetail, path, query)

    async def replay(self, seq: int, text: str | None = None) -> Replayed:
        changes = {} if text is None else {"text": text}
        return understood(Replayed, await self._link.post(f"/v1/requests/{seq}/replay", changes))


class RemoteSync:
    def __init__(self, link: Link) -> None:
        self._link = link

    async def check(self) -> None:
        await self._link.post("/v1/sync/check", {})


class RemoteProfiles:
    def __init__(self, link: Link) -> None:
        self._link = link
        self._known: tuple[str, ...] = ()

    def list(self) -> Sequence[str]:
        return self._known

    async def pull(self) -> None:
        data = await self._link.ask("GET", "/v1/profiles", timeout_s=ANSWER_S)
        self._known = understood(_Known, data).profiles

    async def anatomy(self, service: str) -> Anatomy:
        return await self._link.get(Anatomy, f"/v1/services/{_segment(service)}", {})

    async def propose(self, source: str | None = None) -> Plan:
        return understood(Plan, await self._link.post("/v1/profiles/propose", {"source": source}))

    async def apply(self, plan: Plan, *, by: str, agreed: bool = False) -> Plan:
        request = {"plan": plan, "by": by, "agreed": agreed}
        return understood(Plan, await self._link.post("/v1/profiles/apply", request))


@dataclass(frozen=True, slots=True)
class _Known:
    profiles: tuple[str, ...]


def _segment(name: str) -> str:
    """A name as one segment of a path, whatever somebody typed."""
    return quote(name, safe="", errors="replace")
