"""Asks every service for its shared-knowledge version, now and then and whenever one has come up (SEMANTICS 3.11).

In this order: `/api/shared-knowledge/status` (`version`), then the service's health path (`sharedKnowledgeVersion`), then the
header `X-Shared-Knowledge-Version` of either answer, then the same header of what the gateway has passed on within one interval.
Every replica is asked, and one that differs counts. A check never touches the breaker, and a service that does not run is not
asked.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult

from devgate.model.events import Publish, SyncChanged
from devgate.model.service import ServiceSyncSpec
from devgate.model.snapshot import SyncRow
from devgate.model.status import ServiceState, SyncState
from devgate.model.units import format_duration
from devgate.policy.sync import Version, overall
from devgate.resolver import resolve
from devgate.tasks import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from devgate.clock import Clock
    from devgate.directory import Directory, Entry, Instance
    from devgate.model.profile import Profile
    from devgate.model.service import ServiceSpec
    from devgate.policy.sync import Change

LARGEST: Final = 64 * 1024
"""Bytes of an answer that are read."""
HEADER: Final = "X-Shared-Knowledge-Version"
JITTER: Final = 0.1
SOON_S: Final = 0.2
"""After a service has come up: the others that come up at the same moment are asked in the same round."""
JUDGED_EVERY_S: Final = 1.0
"""States change by time alone."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    header: str
    """The version that a header names; empty if none does."""
    body: Any
    """Parsed."""


class SyncMonitor:
    """Enter it to have it check; `apply` another profile at any time.

    Args:
        draw: uniform in [0, 1), for the jitter.
    """

    def __init__(
        self,
        directory: Directory,
        publish: Publish,
        clock: Clock,
        *,
        profile: Profile,
        draw: Callable[[], float] | None = None,
    ) -> None:
        self._directory = directory
        self._publish = publish
        self._clock = clock
        self._draw = draw or random.Random().random
        self._versions: dict[str, Version] = {}
        self._scope = Scope("sync", publish)
        self._wake = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._profile = profile
        self.apply(profile)
        directory.listen(self._moved)

    async def __aenter__(self) -> Self:
        self._session = ClientSession(
            # A connection that is kept would be one more thing for a stopping service to wait for.
            connector=TCPConnector(force_close=True, resolver=_Resolver(self._may_be_remote), use_dns_cache=False),
            timeout=ClientTimeout(total=None),
            cookie_jar=DummyCookieJar(),
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            auto_decompress=False,
        )
        await self._scope.__aenter__()
        self._scope.guarded("rounds", self._rounds)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._scope.__aexit__(kind, error, trace)
        finally:
            await self._session.close()

    def apply(self, profile: Profile) -> None:
        """Expect what this profile says; services that stay keep the time of their mismatch."""
        self._profile = profile
        spec = profile.sync
        checked = {name: service for name, service in profile.services.items() if spec.checks(service)}
        for name in self._versions.keys() - checked.keys():
            del self._versions[name]
        now = self._clock.now()
        for name, service in checked.items():
            compare = _spec(service).compare
            version = self._versions.get(name)
            if version is None:
                self._versions[name] = Version(spec.version, compare, warning_s=spec.warning, critical_s=spec.critical)
            else:
                change = version.expect(
                    spec.version, compare, warning_s=spec.warning, critical_s=spec.critical, now=now
                )
                self._announce(name, change)
        self._wake.set()

    # What is shown

    @property
    def expected(self) -> str:
        """The expected version; empty if none is."""
        return (self._profile.sync.version or "") if self._profile.sync.enabled is not False else ""

    @property
    def overall(self) -> SyncState:
        return overall([version.state for version in self._versions.values()])

    def rows(self) -> Mapping[str, SyncRow]:
        now, spec = self._clock.now(), self._profile.sync
        return {
            name: SyncRow(
                version.state, version.actual, version.since_s(now), version.detail, spec.warning, spec.critical
            )
            for name, version in self._versions.items()
        }

    # Checking

    async def check(self) -> None:
        """Ask everybody now. Who comes while a check is under way joins it."""
        if self._running is None or self._running.done():
            self._running = self._scope.once("check", self._check())
        await asyncio.shield(self._running)

    async def _rounds(self) -> None:
        """Check at the interval, judge in between."""
        due = 0.0
        while True:
            now = self._clock.now()
            if self._wake.is_set() or now >= due:
                self._wake.clear()
                await self.check()
                due = self._clock.now() + self._profile.sync.interval * (1 + JITTER * (2 * self._draw() - 1))
            for name, version in self._versions.items():
                self._announce(name, version.judge(self._clock.now()))
            await self._pause(min(max(due - self._clock.now(), 0.0), JUDGED_EVERY_S))

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
                await asyncio.sleep(SOON_S)
        except TimeoutError:
            pass

    async def _check(self) -> None:
        names = list(self._versions)
        await asyncio.gather(*map(self._check_one, names))

    async def _check_one(self, name: str) -> None:
        entry = self._directory.get(name)
        service = self._profile.services.get(name)
        answers: list[tuple[str, str]] = []
        if entry is not None and service is not None:
            answers = await asyncio.gather(*(self._ask(instance, service) for instance in entry.serving))
        version = self._versions.get(name)
        if version is None:  # another profile was applied meanwhile
            return
        now = self._clock.now()
        if seen := [found for found, _ in answers if found]:
            change = version.saw(version.telling(seen), now)
        else:
            change = version.heard_nothing(answers[0][1] if answers else "does not serve", now)
        self._announce(name, change)

    async def _ask(self, instance: Instance, service: ServiceSpec) -> tuple[str, str]:
        """The version; or nothing, and why."""
        endpoint = instance.endpoint
        assert endpoint is not None  # it serves
        asked = [(_spec(service).path, "version")]
        if service.ready.http is not None and service.ready.http.startswith("/"):
            asked.append((service.ready.http, "sharedKnowledgeVersion"))
        in_header = why = ""
        for path, key in asked:
            try:
                answer = await self._get(endpoint.url + path)
            except TimeoutError:
                why = f"{path} does not answer within {format_duration(self._profile.sync.timeout)}"
                continue
            except (ClientError, OSError, ValueError, RecursionError) as error:
                why = f"{path}: {str(error) or type(error).__name__}"
                continue
            found = answer.body.get(key) if isinstance(answer.body, dict) else None
            if isinstance(found, str) and found.strip():
                return found, ""
            in_header = in_header or answer.header
            why = f"{path} names no {key}" if answer.status == 200 else f"{path} answers {answer.status}"
        return in_header or instance.overheard(self._clock.now() - self._profile.sync.interval), why

    async def _get(self, url: str) -> _Answer:
        """Raises TimeoutError, ClientError, OSError, or ValueError and RecursionError for a body that is no JSON of ours."""
        async with (
            asyncio.timeout(self._profile.sync.timeout),
            self._session.get(url, allow_redirects=False) as answer,
        ):
            header = answer.headers.get(HEADER, "").strip()
            if answer.status != 200:
                return _Answer(answer.status, header, None)
            body = bytearray()
            async for piece in answer.content.iter_any():
                body += piece
                if len(body) > LARGEST:
                    raise ValueError(f"more than {LARGEST // 1024} KiB")
            return _Answer(answer.status, header, None if header and not body else json.loads(body))

    def _may_be_remote(self, host: str) -> bool:
        return any(
            spec.allow_remote and urlsplit(spec.url or "").hostname == host for spec in self._profile.services.values()
        )

    def _moved(self, entry: Entry, instance: Instance, old: ServiceState) -> None:
        if instance.state is ServiceState.READY and entry.service in self._versions:
            self._wake.set()

    def _announce(self, name: str, change: Change | None) -> None:
        if change is None:
            return
        self._publish(
            SyncChanged(
                service=name,
                old=change.old,
                new=change.new,
                expected=self.expected,
                actual=self._versions[name].actual,
                at=self._clock.wall(),
            )
        )


class _Resolver(AbstractResolver):
    """Names for aiohttp, under the rules of all who connect to services.

    Args:
        remote: whether a host may be beyond this machine and its private networks.
    """

    def __init__(self, remote: Callable[[str], bool]) -> None:
        self._remote = remote

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await resolve(host, port, remote=self._remote(host))
        return [
            ResolveResult(hostname=host, host=one.host, port=port, family=one.family, proto=0, flags=0) for one in found
        ]

    async def close(self) -> None:
        """It holds nothing."""


def _spec(service: ServiceSpec) -> ServiceSyncSpec:
    return service.sync if isinstance(service.sync, ServiceSyncSpec) else ServiceSyncSpec()
