"""How devgate knows what it says of a service: pure rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from devgate.model.snapshot import BreakerRow, BreakerTotals, ProbeRow
from devgate.model.status import Forced, HealthState, ServiceState
from devgate.tui import health_rows
from tests.tui.fake_control import NOON, request_rows, sample, service


def text(lines: list) -> list[str]:
    return ["".join(part for part, _ in line).rstrip() for line in lines]


def named(name: str):
    return next(row for row in sample().services if row.name == name)


def test_probes_are_signs_and_the_last_of_them_words():
    said = text(health_rows.details(replace(named("billing-server"), breaker=BreakerRow())))
    assert said[0] == "probe    GET /health every 5s  ●●●✖▲"
    assert said[1] == "         09:07:00 ▲  1.8s  slow: answered after 1.8 s"
    assert said[2] == "         09:06:55 ✖  1.0s  no answer within 1 s"
    many = tuple(ProbeRow(NOON + n, True, 1.0, "") for n in range(20))
    for probes, told in ((many, 1), ((*many, ProbeRow(NOON + 20, True, 1.0, "slow")), health_rows.PROBES)):
        said = text(health_rows.details(replace(named("notify-server"), probes=probes)))
        assert len([line for line in said if "1.0ms" in line]) == told


def test_the_failures_that_opened_a_breaker_with_the_requests_that_are_remembered():
    known = {row.request_id: row for row in request_rows(60)[35:]}
    said = text(health_rows.details(named("bot-server"), known))
    at = said.index("breaker  OPEN 8s  opened 2x  because of:")
    assert said[at + 1 : at + 5] == [
        "         09:05:40 status 503  request 0190-001c",
        "         09:05:43 status 503  GET /api/bot/commands  request 0190-0024",
        "         09:05:46 nobody listens on 127.0.0.1:6686  GET /api/bot/commands  request 0190-002c",
        "         09:05:49 crashed, exit code 1",
    ]
    assert "breaker  closed 2  2 failures in a row:" in text(health_rows.details(named("billing-server")))


def test_a_breaker_that_counts_by_rate_says_so():
    row = named("billing-server")
    by_rate = replace(row.breaker, failures=3, counted="3 of 14 failed in the last 10 s")
    assert "breaker  closed 3  3 of 14 failed in the last 10 s:" in text(
        health_rows.details(replace(row, breaker=by_rate))
    )
    row = named("bot-server")
    why = "8 of 9 failed in the last 10 s, last: status 503"
    totals = BreakerTotals(rejected=12)
    said = text(health_rows.details(replace(row, breaker=replace(row.breaker, why=why, totals=totals))))
    at = said.index("breaker  OPEN 8s  opened 2x  12 refused")
    assert said[at + 1 : at + 3] == [f"         {why}:", "         09:05:40 status 503  request 0190-001c"]


@pytest.mark.parametrize(
    ("forced", "by_hand", "said"),
    [
        (Forced.OPEN, True, "refuses every request, by hand, until it is reset"),
        (Forced.CLOSED, True, "lets every request pass, by hand, until it is reset"),
        (Forced.METRICS_ONLY, True, "counts and refuses nothing, by hand, until it is reset"),
        (Forced.DISABLED, True, "switched off by hand, until it is reset"),
        (Forced.DISABLED, False, "switched off in the profile"),
    ],
)
def test_what_was_decided_over_a_breaker_s_head(forced: Forced, by_hand: bool, said: str):
    row = service("web", breaker=BreakerRow(forced=forced, by_hand=by_hand))
    assert f"         {said}" in text(health_rows.details(row))


def test_versions_with_their_limits():
    said = text(health_rows.details(named("analytics-server")))
    assert "version  2.3.9  warning 6m" in said
    assert "         a warning after 5m00s, critical after 10m" in said


def test_nothing_known_is_nothing_claimed():
    assert health_rows.details(None) == []
    said = text(health_rows.details(service("new", probe="", probes=())))
    assert said[0] == "probe    none"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "● ready"),
        ({"health": HealthState.DEGRADED, "left_out": True}, "▲ degraded"),
        ({"health": HealthState.UNHEALTHY}, "▲ unhealthy"),
        ({"health": HealthState.HEALTHY, "left_out": True}, "▲ left out"),
        ({"health": HealthState.STOPPED, "state": ServiceState.BACKOFF}, "◐ backoff"),
    ],
)
def test_a_replica_that_gets_fewer_requests_says_why(changes: dict[str, Any], said: str):
    first, second = named("fechatter-server").instances
    row = replace(named("fechatter-server"), instances=(replace(first, **changes), second))
    assert health_rows.instances(row)[0].cells["state"][0][0] == said


def test_replicas_only_where_there_are_several():
    assert len(health_rows.instances(named("fechatter-server"))) == 2
    assert health_rows.instances(named("notify-server")) == []
