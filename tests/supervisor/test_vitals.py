"""What is remembered of probes, and how a probe is called."""

import pytest

from devgate.model.service import ProbeSpec
from devgate.supervisor.probes import ProbeResult
from devgate.supervisor.vitals import PROBES_KEPT, Vitals, probe_text


def test_the_last_probes_are_kept_with_what_was_wrong():
    vitals = Vitals()
    for number in range(PROBES_KEPT + 3):
        vitals.observe(ProbeResult(ok=True, latency_s=0.002), ProbeSpec(), 100.0 + number)
    vitals.observe(ProbeResult(ok=False, detail="refuses token=abcdefgh12345678", latency_s=1.0), ProbeSpec(), 200.0)
    assert len(vitals.history) == PROBES_KEPT
    good, bad = vitals.history[-2], vitals.history[-1]
    assert (good.ok, good.ms, good.detail) == (True, pytest.approx(2.0), "")
    assert (bad.at, bad.ok, bad.ms) == (200.0, False, 1000.0)
    assert "refuses" in bad.detail
    assert "abcdefgh12345678" not in bad.detail


@pytest.mark.parametrize(
    ("spec", "port", "said"),
    [
        (ProbeSpec(http="/health"), 80, "GET /health every 5s"),
        (ProbeSpec(interval=0.5), 80, "TCP connect to 80 every 500ms"),
        (ProbeSpec(tcp=99), 80, "TCP connect to 99 every 5s"),
        (ProbeSpec(exec=("pg_isready", "-q")), None, "pg_isready -q every 5s"),
        (ProbeSpec(log="ready"), None, "a line that matches ready every 5s"),
        (ProbeSpec(), None, "alive for 1 s every 5s"),
    ],
)
def test_a_probe_is_called_by_what_it_does(spec: ProbeSpec, port: int | None, said: str):
    assert probe_text(spec, port) == said
