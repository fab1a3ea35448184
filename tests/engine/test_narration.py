"""Every fact has its words, and the words say what happened."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from devgate.engine.narration import narrate
from devgate.model.events import (
    BreakerChanged,
    ComponentFailed,
    Event,
    FaultChanged,
    HealthChanged,
    Lagged,
    OperatorActed,
    ProcessExited,
    ProfileApplied,
    ProfileRejected,
    ReplicaLeftOut,
    ServiceChanged,
    SyncChanged,
)
from devgate.model.plan import Plan, RouteChanges
from devgate.model.status import BreakerState, HealthState, ServiceState, SyncState

NOW = 1000.0
PLAN = Plan(
    source="ha", name="ha", old="a", new="b", keep=("x",), stop=(), restart=(), start=("y",), adopt=(), stale=(),
    routes=RouteChanges(), gateway=(), rebind=(),
)  # fmt: skip


def changed(new: ServiceState, cause: str = "", replica: int = 0) -> ServiceChanged:
    return ServiceChanged("api", replica, ServiceState.STARTING, new, cause, 1, 5.0)


TABLE: list[tuple[Event, str, str]] = [
    (changed(ServiceState.READY), "api ready", "info"),
    (changed(ServiceState.CRASHED, "exit 1"), "api crashed: exit 1", "error"),
    (
        replace(changed(ServiceState.CRASHED, "exit 1"), dependents=("web", "mail")),
        "api crashed: exit 1; needed by web, mail",
        "error",
    ),
    (changed(ServiceState.BLOCKED, "no such file"), "api blocked: no such file", "error"),
    (changed(ServiceState.BACKOFF, "exit 1", 2), "api#2 backoff: exit 1", "warning"),
    (changed(ServiceState.SLOW), "api slow", "warning"),
    (changed(ServiceState.EXITED), "api exited", "warning"),
    (HealthChanged("api", HealthState.HEALTHY, HealthState.UNHEALTHY, "503", 5.0), "api is unhealthy: 503", "warning"),
    (HealthChanged("api", HealthState.STARTING, HealthState.HEALTHY, "", 5.0), "api is healthy", "info"),
    (
        BreakerChanged("api", BreakerState.CLOSED, BreakerState.OPEN, "3 failures", 5.0),
        "api breaker opened: 3 failures",
        "error",
    ),
    (
        ReplicaLeftOut("api", 1, 2.0, "5 failures in a row", 5.0),
        "api#1 gets no requests for 2s: 5 failures in a row",
        "warning",
    ),
    (
        BreakerChanged("api", BreakerState.OPEN, BreakerState.HALF_OPEN, "", 5.0),
        "api breaker half open",
        "info",
    ),
    (
        FaultChanged("/api/*", "300ms late", "for 10m", 5.0),
        "fault on /api/*: 300ms late for 10m",
        "warning",
    ),
    (FaultChanged("/api/*", "", "cleared", 5.0), "no fault on /api/* any more: cleared", "info"),
    (
        SyncChanged("api", SyncState.WARNING, SyncState.CRITICAL, "2.0.0", "1.0.0", 5.0),
        "api sync critical: 1.0.0 where 2.0.0 is expected",
        "error",
    ),
    (
        SyncChanged("api", SyncState.SYNCED, SyncState.UNKNOWN, "2.0.0", "", 5.0),
        "api sync unknown: nothing where 2.0.0 is expected",
        "info",
    ),
    (ProfileApplied(PLAN, "file", 5.0), "profile ha applied by file: keep 1 · start 1", "info"),
    (ProfileRejected("a.yaml", ("a.yaml:1:2: bad", "more"), 5.0), "a.yaml not applied: a.yaml:1:2: bad", "error"),
    (
        ProfileRejected("a.yaml", ("a.yaml:1:2: bad\n  1 | x", "more"), 5.0),
        "a.yaml not applied: a.yaml:1:2: bad",
        "error",
    ),
    (ProfileRejected("a.yaml", (), 5.0), "a.yaml not applied: it does not load", "error"),
    (OperatorActed("restart", "api", "screen", 5.0), "restart api asked by screen", "info"),
    (OperatorActed("check", "", "api", 5.0), "check asked by api", "info"),
    (
        ComponentFailed("engine.lag", "KeyError: 1"),
        "devgate's engine.lag failed and was contained: KeyError: 1",
        "error",
    ),
    (Lagged(7), "7 events were lost here", "warning"),
]


@pytest.mark.parametrize(("event", "text", "level"), TABLE, ids=[text for _, text, _ in TABLE])
def test_words(event: Event, text: str, level: str) -> None:
    row = narrate(event, NOW)
    assert row is not None
    assert (row.text, row.level) == (text, level)
    assert row.at == getattr(event, "at", NOW)


def test_an_exit_is_told_by_the_change_of_state_that_follows() -> None:
    assert narrate(ProcessExited("api", 0, 1, 1, 1.0, "", 5.0), NOW) is None


def test_every_fact_is_covered() -> None:
    assert {type(event) for event, _, _ in TABLE} | {ProcessExited} == set(get_args(Event))
