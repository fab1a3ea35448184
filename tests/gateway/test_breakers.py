"""Breakers in a running gateway: how they count, and what is decided over their heads."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import pytest

from devgate.errors import CommandError
from devgate.model.status import BreakerState, Forced, HealthState, ServiceState
from tests.gateway.harness import OK, changed, gateway
from tests.upstreams import answering, scripted

if TYPE_CHECKING:
    from tests.upstreams import Peer

FAIL = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"


async def test_by_rate_a_service_that_fails_every_other_time_opens_its_breaker():
    answers = cycle((OK, OK, FAIL, FAIL))

    async def service(peer: Peer) -> None:
        while True:
            await peer.head()
            peer.send(next(answers))

    breaker = {"mode": "rate", "window": "60s", "min_calls": 8, "ratio": 0.5, "open": "20s"}
    async with scripted(service) as upstream, gateway({"a": upstream}, specs={"a": {"breaker": breaker}}) as bench:
        statuses = [(await bench.get("/")).status for _ in range(8)]
        assert statuses == [200, 200, 503, 503] * 2
        answer = await bench.get("/")
        assert answer.problem["code"] == "circuit-open"
        why = "4 of 8 failed in the last 60 s, last: status 503"
        assert answer.problem["detail"].startswith(f"The circuit breaker of a is open: {why}. ")
        row = bench.gateway.breaker_row("a")
        assert (row.state, row.why, len(row.causes)) == (BreakerState.OPEN, why, 4)
        assert (row.totals.success, row.totals.failure, row.totals.rejected) == (4, 4, 1)
        bench.gateway.reset_breaker("a")
        assert (await bench.get("/")).status == 200
        assert bench.gateway.breaker_row("a").counted == "0 of 1 failed in the last 60 s"


async def test_held_open_it_refuses_until_it_is_reset_and_says_whose_doing_that_is():
    async with scripted(answering(OK)) as upstream, gateway({"a": upstream}) as bench:
        bench.gateway.force_breaker("a", Forced.OPEN)
        answer = await bench.get("/")
        assert (answer.status, answer.problem["code"]) == (503, "circuit-open")
        assert (
            answer.problem["detail"]
            == "The circuit breaker of a is open: held open by hand. Reset the breaker to try it now."
        )
        bench.gateway.reset_breaker("a")
        assert (await bench.get("/")).status == 200
        assert [(event.old, event.new, event.cause) for event in bench.events] == [  # type: ignore[union-attr]
            (BreakerState.CLOSED, BreakerState.OPEN, "held open by hand"),
            (BreakerState.OPEN, BreakerState.CLOSED, "reset by hand"),
        ]


async def test_held_open_nobody_waits_for_a_probe_that_never_comes():
    async with scripted(answering(OK)) as upstream, gateway({"a": upstream}) as bench:
        bench.move("a", ServiceState.CRASHED)
        bench.serve("a", upstream.port)
        assert bench.gateway.breaker_row("a").state is BreakerState.HALF_OPEN
        bench.gateway.force_breaker("a", Forced.OPEN)
        assert (await bench.get("/")).problem["code"] == "circuit-open"


@pytest.mark.parametrize("forced", [Forced.CLOSED, Forced.METRICS_ONLY, Forced.DISABLED])
async def test_otherwise_overruled_it_refuses_nothing(forced: Forced):
    async with (
        scripted(answering(FAIL)) as upstream,
        gateway({"a": upstream}, specs={"a": {"breaker": {"failures": 2}}}) as bench,
    ):
        bench.gateway.force_breaker("a", forced)
        assert [(await bench.get("/")).status for _ in range(5)] == [503] * 5
        row = bench.gateway.breaker_row("a")
        assert row.state is (BreakerState.OPEN if forced is Forced.METRICS_ONLY else BreakerState.CLOSED)
        assert row.totals.failure == (0 if forced is Forced.DISABLED else 5)
        assert len(bench.events) == (forced is Forced.METRICS_ONLY)


async def test_a_breaker_switched_off_in_the_profile_stays_closed_whatever_becomes_of_its_service():
    async with gateway({"a": None}, specs={"a": {"breaker": {"enabled": False}}}) as bench:
        bench.move("a", ServiceState.CRASHED)
        row = bench.gateway.breaker_row("a")
        assert (row.state, row.forced, row.by_hand) == (BreakerState.CLOSED, Forced.DISABLED, False)
        assert bench.events == []


@pytest.mark.parametrize("managed", [True, False])
async def test_probes_that_pass_again_let_an_open_breaker_try_at_once_and_never_close_it(managed: bool):
    breaker = {"failures": 1, "open": "1h"}
    async with (
        scripted(answering(FAIL)) as upstream,
        gateway({"a": upstream}, specs={"a": {"breaker": breaker}}, managed=managed) as bench,
    ):
        instance = bench.entry().instances[0]
        bench.directory.rate(instance, HealthState.UNHEALTHY)
        await bench.get("/")
        assert bench.gateway.breaker_row("a").state is BreakerState.OPEN
        bench.directory.rate(instance, HealthState.HEALTHY)
        assert bench.gateway.breaker_row("a").state is BreakerState.HALF_OPEN
        assert (await bench.get("/")).status == 503  # the probe fails
        assert bench.gateway.breaker_row("a").state is BreakerState.OPEN
        for state in (HealthState.DEGRADED, HealthState.HEALTHY):  # it was not unhealthy: nothing is new
            bench.directory.rate(instance, state)
            assert bench.gateway.breaker_row("a").state is BreakerState.OPEN


async def test_what_was_decided_by_hand_outlives_other_settings():
    async with scripted(answering(OK)) as upstream, gateway({"a": upstream}) as bench:
        bench.gateway.force_breaker("a", Forced.OPEN)
        for enabled in (True, False):
            services = {"a": {"command": "true", "breaker": {"failures": 9, "enabled": enabled}}}
            bench.gateway.apply(changed(bench.profile, services=services))
            assert (await bench.get("/")).problem["code"] == "circuit-open"
        bench.gateway.reset_breaker("a")
        row = bench.gateway.breaker_row("a")
        assert (row.forced, row.by_hand) == (Forced.DISABLED, False)
        bench.gateway.apply(changed(bench.profile, services={"a": {"command": "true"}}))
        assert bench.gateway.breaker_row("a").forced is None


async def test_an_open_breaker_ends_the_tries_of_a_request():
    specs = {"a": {"breaker": {"failures": 2}}}
    routes = [{"path": "/*", "retry": {"attempts": 9, "pause": "1ms"}}]
    async with scripted(answering(FAIL)) as upstream, gateway({"a": upstream}, specs=specs, routes=routes) as bench:
        answer = await bench.get("/")
        assert (answer.problem["code"], answer.problem["attempts"]) == ("circuit-open", 2)


async def test_nobody_overrules_what_is_not_there():
    async with gateway({"a": None}) as bench:
        with pytest.raises(CommandError, match="no service b"):
            bench.gateway.force_breaker("b", Forced.OPEN)
