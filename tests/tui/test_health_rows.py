"""How devgate knows what it says of a service: pure rows."""

from __future__ import annotations

from dataclasses import replace

from devgate.model.snapshot import ProbeRow
from devgate.tui import health_rows
from tests.tui.fake_control import NOON, request_rows, sample, service


def text(lines: list) -> list[str]:
    return ["".join(part for part, _ in line).rstrip() for line in lines]


def named(name: str):
    return next(row for row in sample().services if row.name == name)


def test_probes_are_signs_and_the_last_of_them_words():
    said = text(health_rows.details(named("billing-server")))
    assert said[0] == "probe    GET /health every 5s  ●●●✖▲"
    assert said[1] == "         09:07:00 ▲  1.8s  slow: answered after 1.8 s"
    assert said[2] == "         09:06:55 ✖  1.0s  no answer within 1 s"
    many = replace(named("billing-server"), probes=tuple(ProbeRow(NOON + n, True, 1.0, "") for n in range(20)))
    assert len([line for line in text(health_rows.details(many)) if "1.0ms" in line]) == health_rows.PROBES


def test_the_failures_that_opened_a_breaker_but_not_what_it_refused():
    rows = request_rows(60)
    rows[-1] = replace(rows[-1], service="bot-server", status=503, error=health_rows.REFUSED)
    failed = health_rows.failures(rows, "bot-server")
    assert len(failed) == health_rows.FAILURES
    assert all(row.service == "bot-server" and row.error == "service-unavailable" for row in failed)
    assert failed[0].at > failed[-1].at
    said = text(health_rows.details(named("bot-server"), failed))
    assert "breaker  OPEN 8s  opened 2x" in said
    assert "         last failure crashed" in said
    assert "         09:06:38 503 service-unavailable  GET /api/bot/commands" in said


def test_versions_with_their_limits():
    said = text(health_rows.details(named("analytics-server")))
    assert "version  2.3.9  warning 6m" in said
    assert "         a warning after 5m00s, critical after 10m" in said


def test_nothing_known_is_nothing_claimed():
    assert health_rows.details(None) == []
    said = text(health_rows.details(service("new", probe="", probes=())))
    assert said[0] == "probe    none"


def test_replicas_only_where_there_are_several():
    assert len(health_rows.instances(named("fechatter-server"))) == 2
    assert health_rows.instances(named("notify-server")) == []
