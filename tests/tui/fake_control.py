"""A `Control` without a devgate behind it, and a sample of everything that can be on the screen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from devgate.errors import CommandError
from devgate.model.anatomy import Anatomy, Variable
from devgate.model.detail import Replayed, RequestDetail
from devgate.model.plan import Plan, Reason, RouteChanges
from devgate.model.query import LogLine, LogSlice, RequestName, RequestPage, RequestRow
from devgate.model.snapshot import (
    BreakerRow,
    CauseRow,
    EventRow,
    InstanceRow,
    ProbeRow,
    RouteRow,
    ServiceRow,
    Snapshot,
    SyncRow,
    TrafficRow,
)
from devgate.model.status import BreakerState, Forced, HealthState, Owner, ServiceState, SyncState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devgate.model.fault import Fault

NOON = 1_760_000_400.0
"""2025-10-09 09:00:00 UTC."""


CAUSES = tuple(
    CauseRow(NOON + 340 + number * 3, what, f"0190-{id:04x}" if id else "")
    for number, (what, id) in enumerate(
        [("status 503", 28), ("status 503", 36), ("nobody listens on 127.0.0.1:6686", 44), ("crashed, exit code 1", 0)]
    )
)


@dataclass
class FakeControl:
    """Remembers what was asked (`asked`), raises what it is told to (`refuses`), shows `now`."""

    now: Snapshot
    lines: list[LogLine] = field(default_factory=list)
    requests_: list[RequestRow] = field(default_factory=list)
    under_way: list[RequestRow] = field(default_factory=list)
    details: dict[RequestName, RequestDetail] = field(default_factory=dict)
    plan: Plan | None = None
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    refuses: Exception | None = None
    snapshots: int = 0

    services = gateway = sync = profiles = property(lambda self: self)

    @property
    def seq(self) -> int:
        return self.now.seq

    def snapshot(self) -> Snapshot:
        self.snapshots += 1
        return self.now

    def change(self, **changes: Any) -> None:
        self.now = replace(self.now, seq=self.now.seq + 1, **changes)

    def change_service(self, name: str, **changes: Any) -> None:
        self.change(services=tuple(replace(row, **changes) if row.name == name else row for row in self.now.services))

    async def _ask(self, *what: Any) -> None:
        self.asked.append(what)
        if self.refuses is not None:
            raise self.refuses

    async def start(self, name: str, *, dependents: bool = False) -> None:
        await self._ask("start", name, *(["dependents"] if dependents else []))

    async def stop(self, name: str, *, dependents: bool = False) -> None:
        await self._ask("stop", name, *(["dependents"] if dependents else []))

    async def restart(self, name: str, *, dependents: bool = False) -> None:
        await self._ask("restart", name, *(["dependents"] if dependents else []))

    async def kill(self, name: str) -> None:
        await self._ask("kill", name)

    async def adopt(self, name: str) -> None:
        await self._ask("adopt", name)

    async def take_port(self, name: str) -> None:
        await self._ask("take-port", name)

    async def type_into(self, name: str, data: bytes) -> None:
        await self._ask("type", name, data)

    async def resize(self, name: str, columns: int, rows: int) -> None:
        await self._ask("resize", name, columns, rows)

    async def reset_breaker(self, service: str) -> None:
        await self._ask("reset", service)

    async def force_breaker(self, service: str, forced: Forced) -> None:
        await self._ask("force", service, forced)

    async def clear_cache(self, prefix: str = "") -> int:
        await self._ask("clear cache", prefix)
        return 3

    async def set_fault(self, route: str, fault: Fault, lasts_s: float) -> None:
        await self._ask("fault", route, fault, lasts_s)

    async def clear_faults(self, route: str | None = None) -> None:
        await self._ask("clear faults", route)

    async def check(self) -> None:
        await self._ask("check")

    async def logs(self, names: Sequence[str], after: int = 0, limit: int = 1000) -> LogSlice:
        found = [line for line in self.lines if line.seq > after and (not names or line.service in names)]
        given = tuple(found[-limit:])
        last = self.lines[-1].seq if self.lines else 0
        return LogSlice(given, self.lines[0].seq if self.lines else 1, last, len(found) - len(given) if after else 0)

    async def requests(self, after: int = 0, limit: int = 100, *, under_way: bool = False) -> RequestPage:
        found = [row for row in self.requests_ if row.seq > after][-limit:]
        last = self.requests_[-1].seq if self.requests_ else 0
        return RequestPage(tuple(found), last, len(self.requests_), tuple(self.under_way) if under_way else ())

    async def request(self, name: RequestName) -> RequestDetail:
        rows = (*self.under_way, *self.requests_)
        row = next((row for row in rows if name in (row.name, row.request_id)), None)
        if row is None:
            raise CommandError(f"request {name} is not remembered", code="unknown-request", status=404)
        return self.details.get(row.name) or RequestDetail(row, self.now.url)

    async def replay(self, seq: int, text: str | None = None) -> Replayed:
        await self._ask("replay", seq, *([] if text is None else [text]))
        return Replayed("0190-again", 200, self.requests_[-1].seq)

    def list(self) -> Sequence[str]:
        return ("fechatter/development", "fechatter/production", "fechatter/ha", "demo")

    async def anatomy(self, service: str) -> Anatomy:
        config = ("services:", f"  {service}:", "    command: cargo run        # devgate.yaml:12", "    port: 6688")
        env = (Variable("PORT", "6688", "devgate"), Variable("JWT_SECRET", "***", "devgate.yaml:16"))
        return Anatomy(service, config, env, ("HOME", "PATH"))

    async def propose(self, source: str | None = None) -> Plan:
        await self._ask("propose", source)
        return replace(self.plan or PLAN, source=source or "devgate.yaml", name=source or "development")

    async def apply(self, plan: Plan, *, by: str, agreed: bool = False) -> Plan:
        await self._ask("apply", plan.source, by, *(["agreed"] if agreed else []))
        return plan

    def request_stop(self, reason: str, *, now: bool = False) -> None:
        self.asked.append(("request_stop", reason, *(["now"] if now else [])))


PLAN = Plan(
    source="fechatter/ha",
    name="ha",
    old="0f",
    new="1e",
    keep=("notify-server", "analytics-server", "search-service", "postgres"),
    stop=("bot-server",),
    restart=(Reason("fechatter-server", ("env.RUST_LOG", "replicas")),),
    start=("fechatter-server-2", "redis"),
    adopt=(Reason("notify-server", ("breaker.failures",)),),
    stale=(),
    routes=RouteChanges(added=("GET /api/realtime/*", "/api/cache/*", "/metrics"), removed=("/api/bot/*",)),
    gateway=("cors", "timeouts"),
    rebind=(),
)

_WAVE = (2, 3, 5, 8, 6, 4, 3, 2, 4, 7, 9, 12, 11, 8, 6, 5, 7, 9, 14, 13, 10, 8, 6, 7, 9, 11, 15, 13, 12, 10)


def service(name: str, port: int | None = None, **changes: Any) -> ServiceRow:
    """A service that is ready and has nothing to tell, with changes."""
    row = ServiceRow(
        name=name,
        state=ServiceState.READY,
        owner=Owner.DEVGATE,
        stub=False,
        health=HealthState.HEALTHY,
        health_detail="",
        pid=4000 + (port or 0) % 1000,
        port=port,
        url=f"http://127.0.0.1:{port}",
        uptime_s=7500.0,
        restarts=0,
        exit_code=None,
        cause="",
        last_error="",
        waiting_for=(),
        cpu_percent=1.2,
        memory_bytes=88_000_000,
        stale=(),
        required=True,
        instances=(),
        traffic=TrafficRow(
            total=1820, per_minute=42, p50_ms=3.1, p95_ms=12.4, last_status=200, spark=_WAVE, in_flight=0
        ),
        breaker=BreakerRow(),
        sync=SyncRow(SyncState.SYNCED, "2.4.1"),
        response_ms=1.4,
        checked_at=NOON + 425,
        probe="GET /health every 5s",
        probes=tuple(ProbeRow(NOON + 330 + 5 * number, True, 1.4, "") for number in range(20)),
    )
    return replace(row, **changes)


def sample() -> Snapshot:
    """Nine services in nine conditions, and the routes of the Fechatter profile."""
    down = {
        "pid": None,
        "cpu_percent": None,
        "memory_bytes": None,
        "uptime_s": 0.0,
        "response_ms": None,
        "checked_at": None,
    }
    services = (
        service(
            "fechatter-server",
            6688,
            cpu_percent=4.1,
            memory_bytes=151_000_000,
            instances=_two(),
            traffic=TrafficRow(18204, 1240, 0.002, 3.4, 18.9, 200, 3, 0, _WAVE),
        ),
        service(
            "notify-server",
            6687,
            traffic=TrafficRow(311, 12, 0.0, 1.1, 4.0, 200, 14, 0, _WAVE[::-1]),
            stale=("env.RUST_LOG",),
        ),
        service(
            "analytics-server",
            6690,
            stub=True,
            sync=SyncRow(SyncState.WARNING, "2.3.9", 372.0, "expected 2.4.1, has 2.3.9", 300.0, 600.0),
            traffic=TrafficRow(904, 61, 0.0, 0.8, 2.2, 202, 0, 0, _WAVE),
            memory_bytes=31_000_000,
        ),
        service(
            "bot-server",
            6686,
            **down,
            state=ServiceState.CRASHED,
            health=HealthState.UNHEALTHY,
            exit_code=1,
            restarts=5,
            cause="exit 1 after 12 s, 5th in 60 s",
            last_error="KeyError: 'OPENAI_API_KEY'",
            breaker=BreakerRow(BreakerState.OPEN, opened=2, retry_in_s=8.0, last_cause="crashed", causes=CAUSES),
            sync=SyncRow(SyncState.UNKNOWN),
            traffic=TrafficRow(96, 8, 1.0, 2.0, 9.0, 503, 0, 2, (0,) * 20 + (1, 2, 1, 0, 3, 1, 0, 1, 2, 1)),
        ),
        service(
            "search-service",
            7700,
            owner=Owner.EXTERNAL,
            pid=None,
            cpu_percent=None,
            memory_bytes=None,
            uptime_s=91_000,
            sync=SyncRow(SyncState.UNKNOWN),
            traffic=TrafficRow(77, 3.5, 0.0, 6.0, 41.0, 200, 0, 0, _WAVE[:12]),
        ),
        service(
            "media-server",
            6691,
            **down,
            state=ServiceState.BACKOFF,
            health=HealthState.UNKNOWN,
            exit_code=101,
            restarts=2,
            sync=SyncRow(SyncState.UNKNOWN),
            cause="exit 101 after 3 s, 2nd in 60 s; again in 1 s",
            last_error="panicked at src/main.rs:42: address in use",
            breaker=BreakerRow(
                BreakerState.HALF_OPEN, opened=1, last_cause="exit 101", causes=(CauseRow(NOON + 390, "exit 101", ""),)
            ),
            traffic=TrafficRow(),
        ),
        service(
            "presence-server",
            6692,
            **down,
            state=ServiceState.WAITING,
            health=HealthState.UNKNOWN,
            waiting_for=("media-server", "redis"),
            sync=SyncRow(SyncState.UNKNOWN),
            traffic=TrafficRow(),
        ),
        service(
            "billing-server",
            6693,
            health=HealthState.DEGRADED,
            health_detail="GET /health took 1.8 s",
            response_ms=1800.0,
            probes=(
                *(ProbeRow(NOON + 400 + 5 * number, True, 2.1, "") for number in range(3)),
                ProbeRow(NOON + 415, False, 1000.0, "no answer within 1 s"),
                ProbeRow(NOON + 420, True, 1800.0, "slow: answered after 1.8 s"),
            ),
            restarts=1,
            uptime_s=95,
            breaker=BreakerRow(failures=2, counted="2 failures in a row", last_cause="status 504", causes=CAUSES[:2]),
            sync=SyncRow(SyncState.OUT_OF_SYNC, "2.4.0", 31.0),
            traffic=TrafficRow(58, 4, 0.08, 620.0, 1840.0, 504, 1, 0, _WAVE[10:]),
        ),
        service(
            "migrate",
            None,
            **down,
            state=ServiceState.COMPLETED,
            health=HealthState.STOPPED,
            cause="exit 0 after 2 s",
            sync=SyncRow(SyncState.UNKNOWN),
            traffic=TrafficRow(),
            breaker=BreakerRow(forced=Forced.DISABLED),
        ),
    )
    return Snapshot(
        seq=1,
        at=NOON + 430,
        version="0.1.0",
        profile="fechatter/development",
        profile_source="fechatter/development",
        url="http://127.0.0.1:8080",
        uptime_s=7560,
        ready=5,
        total=8,
        health=HealthState.DEGRADED,
        sync=SyncState.WARNING,
        sync_expected="2.4.1",
        traffic=TrafficRow(19571, 1371, 0.009, 3.3, 21.0, 200, 18, 2, _WAVE),
        loop_delay_ms=1.2,
        config_problems=(),
        reloaded_at=NOON + 67,
        services=services,
        routes=tuple(_routes()),
        events=(
            EventRow(NOON + 60, "fechatter-server ready after 0.8 s", "info"),
            EventRow(NOON + 419, "bot-server crashed: exit 1 after 12 s, 5th in 60 s; 4 requests failed", "error"),
        ),
    )


def _two() -> tuple[InstanceRow, ...]:
    return tuple(
        InstanceRow(number, ServiceState.READY, 4211 + number, 6688 + number, 7500.0, 0, 2.0, 75_000_000, 1)
        for number in (0, 1)
    )


def _routes() -> list[RouteRow]:
    table = [
        ("/health", (), "fechatter-server", 40, 0.0, 200),
        ("/api/signin", ("POST",), "fechatter-server", 12, 0.02, 401),
        ("/api/refresh", ("POST",), "fechatter-server", 31, 0.0, 200),
        ("/api/users", (), "fechatter-server", 88, 0.0, 200),
        ("/api/chat", ("GET", "POST"), "fechatter-server", 640, 0.0, 200),
        ("/api/chat/{id}/messages", (), "fechatter-server", 402, 0.004, 200),
        ("/api/upload", ("POST",), "fechatter-server", 3, 0.0, 201),
        ("/api/files/*", (), "fechatter-server", 24, 0.0, 304),
        ("/api/search", ("GET", "POST"), "fechatter-server", 11, 0.0, 200),
        ("/api/cache/*", (), "fechatter-server", 0, 0.0, 0),
        ("/events", (), "notify-server", 12, 0.0, 200),
        ("/api/analytics/*", (), "analytics-server", 61, 0.0, 202),
        ("/bot/health", (), "bot-server", 2, 1.0, 503),
        ("/api/bot/*", (), "bot-server", 6, 1.0, 503),
        ("/meilisearch/*", (), "search-service", 3.5, 0.0, 200),
        ("/api/media/{id}/thumbnail", ("GET",), "media-server", 0, 0.0, 0),
        ("/api/presence", (), "presence-server", 0, 0.0, 0),
        ("/api/billing/*", (), "billing-server", 4, 0.08, 504),
    ]
    return [
        RouteRow(
            " ".join(filter(None, ["|".join(methods), path])),
            path,
            methods,
            name,
            TrafficRow(
                int(rate * 13), rate, share, 3.0 + rate / 100, 12.0 + rate / 20, last, 0, 0, _WAVE if rate > 10 else ()
            )
            if rate
            else TrafficRow(),
        )
        for path, methods, name, rate, share, last in table
    ]


def log_lines(service: str = "fechatter-server", count: int = 40, start: int = 1) -> list[LogLine]:
    """A log as services write them: levels, colours, an error with its trace."""
    texts = (
        "\x1b[32m INFO\x1b[0m chat::handlers: listed chats user=42 took=3ms",
        "\x1b[32m INFO\x1b[0m chat::handlers: message stored chat=7 id=9917 took=5ms",
        "\x1b[34mDEBUG\x1b[0m sqlx::query: select id, name from chats where member = $1 rows=12",
        "\x1b[33m WARN\x1b[0m tower::limit: slow query took=412ms table=messages",
        "GET /api/chat 200 3ms",
        "\x1b[31mERROR\x1b[0m chat::files: upload failed: no space left on device (os error 28)",
        "    at src/files/store.rs:118",
        "    at src/handlers/upload.rs:57",
    )
    lines = [LogLine(start, NOON + 60, service, 0, "mark", "run 3 started, pid 4688", 3)]
    lines += [
        LogLine(start + number, NOON + 60 + number * 3.7, service, 0, "out", texts[number % len(texts)], 3)
        for number in range(1, count)
    ]
    return lines


def rows_under_way() -> list[RequestRow]:
    """One for each state, the oldest first."""
    kinds: tuple[tuple[float, str, str, int, str, str, float, int, Any, Any], ...] = (
        (0.0, "GET", "/ws/presence", 101, "/ws/*", "notify-server", 0.0, 9_204, "websocket", "answering"),
        (96.0, "GET", "/events", 200, "/events", "notify-server", 0.0, 31_520, "sse", "answering"),
        (
            402.0,
            "POST",
            "/api/media/7/thumbnail",
            0,
            "/api/media/{id}/thumbnail",
            "media-server",
            14.2,
            0,
            "http",
            "held",
        ),
        (
            411.0,
            "GET",
            "/api/chat?limit=500",
            200,
            "/api/chat",
            "fechatter-server",
            0.0,
            1_204_000,
            "http",
            "answering",
        ),
        (412.5, "GET", "/api/billing/invoices", 0, "/api/billing/*", "billing-server", 0.0, 0, "http", "waiting"),
        (413.5, "POST", "/api/upload", 0, "/api/upload", "fechatter-server", 0.0, 0, "http", "queued"),
        (415.7, "GET", "/api/users", 0, "/api/users", "fechatter-server", 0.0, 0, "http", "gateway"),
    )
    return [
        RequestRow(
            0, NOON + at, f"0190-f{number:03x}", method, path, code, route, name, 0, (416.2 - at) * 1000, held * 1000, 120, size,
            "", kind, state,
        )
        for number, (at, method, path, code, route, name, held, size, kind, state) in enumerate(kinds)
    ]  # fmt: skip


def request_rows(count: int = 60) -> list[RequestRow]:
    kinds = (
        ("GET", "/api/chat?limit=50", 200, "GET|POST /api/chat", "fechatter-server", 3.4, 18_204),
        ("POST", "/api/chat/7/messages", 201, "/api/chat/{id}/messages", "fechatter-server", 5.1, 214),
        ("GET", "/events", 200, "/events", "notify-server", 30_120.0, 88_120),
        ("POST", "/api/analytics/batch", 202, "/api/analytics/*", "analytics-server", 1.2, 0),
        ("GET", "/api/bot/commands", 503, "/api/bot/*", "bot-server", 30_002.0, 412),
        ("OPTIONS", "/api/chat", 204, "GET|POST /api/chat", "fechatter-server", 0.2, 0),
        ("GET", "/api/billing/invoices", 504, "/api/billing/*", "billing-server", 30_000.0, 380),
        ("GET", "/api/files/0c1f/cat.png", 304, "/api/files/*", "fechatter-server", 0.9, 0),
    )
    rows = []
    for number in range(1, count + 1):
        method, path, code, route, name, took, size = kinds[number % len(kinds)]
        error = {503: "service-unavailable", 504: "upstream-timeout"}.get(code, "")
        kind: Any = "sse" if path == "/events" else "http"
        rows.append(
            RequestRow(
                number,
                NOON + 300 + number * 1.9,
                f"0190-{number:04x}",
                method,
                path,
                code,
                route,
                name,
                0,
                took,
                took - 4 if code == 503 else 0.0,
                120,
                size,
                error,
                kind,
            )
        )
    return rows
