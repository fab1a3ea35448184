"""The lines around every view."""

from dataclasses import replace

import pytest

from devgate.model.snapshot import LimitRow
from devgate.model.status import ServiceState
from devgate.tui import header
from devgate.tui.widgets.line import place
from tests.tui.fake_control import sample


def said(parts, width: int, gap: int = 2) -> str:
    return "".join(text for _, runs in place(parts, width, gap) for text, _ in runs)


@pytest.mark.parametrize("width", [58, 78, 118, 158])
def test_the_header_fills_its_line(width: int):
    assert len(said(header.header(sample()), width)) == width


def test_eighty_columns_tell_all_but_the_reload():
    line = said(header.header(sample()), 78)
    for words in ("fechatter/development", ":8080", "5/8 ready", "1 warning", "1371/min", "0.9% err"):
        assert words in line


def test_a_wide_header_tells_everything():
    line = said(header.header(sample()), 158)
    for words in ("127.0.0.1:8080", "1371 req/min", "0.9% errors", "loaded 09:01:07"):
        assert words in line


@pytest.mark.parametrize("width", [30, 78, 158])
@pytest.mark.parametrize("url", ["http://0.0.0.0:8080", "http://192.168.1.2:8080", "http://[::]:8080"])
def test_a_gateway_that_others_can_reach_says_so_at_any_width(url: str, width: int):
    line = said(header.header(replace(sample(), url=url)), width)
    assert "open to the network" in line or (width < 158 and "open!" in line)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost:80", ""])
def test_one_that_nobody_else_can_reach_does_not(url: str):
    assert "open" not in said(header.header(replace(sample(), url=url)), 158)


def test_a_slow_loop_is_said():
    assert "loop 80ms late" in said(header.header(replace(sample(), loop_delay_ms=80)), 158)
    assert "late" not in said(header.header(sample()), 158)


def test_a_limit_that_was_reached_is_said_for_a_while():
    def told(over_s: float | None) -> str:
        limit = LimitRow("per_ip", "/api/*", "ip", 5, 60.0, 3, over_s, enforced=False)
        return said(header.header(replace(sample(), limits=(limit,))), 158)

    assert "limit per_ip /api/* reached" in told(3.0)
    assert "limit" not in told(31.0)
    assert "limit" not in told(None)


def test_stopping_counts_down():
    snapshot = sample()
    stopping = replace(snapshot, stopping=True, services=snapshot.services[:2])
    assert "stopping, 2 services left" in said(header.header(stopping), 158)
    assert not header.settled(stopping)
    assert "stopping, 2 services left, killed in 12s" in said(header.header(replace(stopping, kill_in_s=11.6)), 158)
    gone = tuple(replace(row, state=ServiceState.STOPPED) for row in snapshot.services)
    assert header.settled(replace(snapshot, services=gone))


def test_the_banner_names_the_place_and_what_goes_on():
    problems = ("devgate.yaml:12:7: no such key\n 12 | x", "devgate.yaml:20:1: also")
    line = said(header.banner(replace(sample(), config_problems=problems)), 118)
    assert "config error  devgate.yaml:12:7: no such key  and 1 more" in line
    assert "the last good profile keeps running" in line
    assert header.banner(sample()) == []


def test_a_change_that_waits_for_agreement_is_no_error_and_says_what_to_press():
    problem = "devgate.yaml changed: new commands that nobody has agreed to; agree with `devgate reload`"
    parts = header.banner(replace(sample(), config_problems=(problem,), config_waits=True))
    line = said(parts, 118)
    assert "needs your agreement  devgate.yaml changed: new commands that nobody has agreed to" in line
    assert "c shows them and asks" in line
    assert "error" not in line
