"""From probes to ready and healthy."""

import asyncio

from devgate.model.service import ProbeSpec
from devgate.model.status import HealthState
from devgate.supervisor.probes import ProbeResult
from devgate.supervisor.readiness import Prober, Readiness
from tests.deadline import DEADLINE_S

GOOD = ProbeResult(ok=True)
BAD = ProbeResult(ok=False, detail="refuses connections", refused=True)
DEGRADED = ProbeResult(ok=True, degraded=True, detail="says it is degraded")
SLOW = ProbeResult(ok=True, latency_s=2.0)
H = HealthState


def after(*results: ProbeResult, **fields: object) -> Readiness:
    subject, spec = Readiness(), ProbeSpec.model_validate(fields)
    for result in results:
        subject.observe(result, spec)
    return subject


def test_is_starting_until_the_first_good_probe() -> None:
    subject = after(*[BAD] * 50)
    assert (subject.ready, subject.health, subject.detail) == (False, H.STARTING, "refuses connections")
    assert (after(BAD, GOOD).ready, after(BAD, GOOD).health) == (True, H.HEALTHY)


def test_several_in_a_row_can_be_asked_for() -> None:
    assert not after(GOOD, GOOD, BAD, GOOD, GOOD, success=3).ready
    assert after(GOOD, GOOD, GOOD, success=3).ready


def test_three_bad_ones_in_a_row_are_unhealthy() -> None:
    assert after(GOOD, BAD, BAD).health is H.HEALTHY
    assert after(GOOD, BAD, BAD, GOOD, BAD, BAD).health is H.HEALTHY
    assert after(GOOD, BAD, BAD, BAD).health is H.UNHEALTHY
    assert after(GOOD, BAD, failures=1).health is H.UNHEALTHY


def test_recovery_takes_two() -> None:
    assert after(GOOD, BAD, BAD, BAD, GOOD).health is H.UNHEALTHY
    assert after(GOOD, BAD, BAD, BAD, GOOD, GOOD).health is H.HEALTHY


def test_degraded_is_what_it_says_or_how_long_it_takes() -> None:
    assert after(DEGRADED).health is H.DEGRADED
    assert after(SLOW).health is H.DEGRADED
    assert "2.0 s" in after(SLOW).detail
    assert after(SLOW, degraded_over="3s").health is H.HEALTHY
    assert after(DEGRADED, GOOD).health is H.HEALTHY


def test_after_a_lapse_everything_begins_anew() -> None:
    subject = after(GOOD, GOOD)
    subject.lapse()
    assert (subject.ready, subject.health) == (False, H.STARTING)
    subject.observe(GOOD, ProbeSpec(success=2))
    assert not subject.ready


async def test_asks_often_until_up_and_then_at_its_interval() -> None:
    asked = []

    async def probe() -> ProbeResult:
        asked.append(asyncio.get_running_loop().time())
        return GOOD if len(asked) >= 4 else BAD

    spec = ProbeSpec(interval="1h", start_interval="10ms")
    prober = Prober(probe, lambda result: result.ok, lambda: spec, lambda: 0.5)
    task = asyncio.create_task(prober.run())
    try:
        async with asyncio.timeout(DEADLINE_S):
            while len(asked) < 4:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert len(asked) == 4, "it goes on asking at the pace of the start"
        prober.hurry()
        async with asyncio.timeout(DEADLINE_S):
            while len(asked) < 5:
                await asyncio.sleep(0.001)
    finally:
        task.cancel()
