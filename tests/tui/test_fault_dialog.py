"""The dialog on a route, and where faults are seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devgate.errors import CommandError
from devgate.model.fault import LASTS_S, Fault
from devgate.model.snapshot import FaultRow
from devgate.tui import header, route_rows
from tests.tui.driving import asks, driven, press, screen_of, shows, text_of, until
from tests.tui.fake_control import FakeControl, sample
from tests.tui.test_header import said

pytestmark = pytest.mark.usefixtures("from_both_sides")

BROKEN = Fault(status=503, share=0.5)


def on(*routes: str) -> tuple[FaultRow, ...]:
    return tuple(FaultRow(route, BROKEN, BROKEN.words, 61.0, "operator") for route in routes)


async def test_one_that_is_ready_made():
    control = FakeControl(sample())
    async with driven(control) as (_, pilot):
        await press(pilot, "tab", "i")
        await shows(pilot, "What goes wrong with /health")
        assert "nothing any more" not in text_of(pilot.app)
        await press(pilot, "j", "j", "enter")
        await asks(pilot, control, ("fault", "/health", Fault(status=503), LASTS_S))


async def test_one_of_ones_own_on_the_selected_route():
    control = FakeControl(sample())
    async with driven(control) as (_, pilot):
        await press(pilot, "tab", "j", "i")
        await shows(pilot, "What goes wrong with POST /api/signin")
        await press(pilot, *"jjjjjjj", "enter")
        await press(pilot, *"1s oops")
        await shows(pilot, "'oops' is not understood")
        await press(pilot, *["backspace"] * 4, *"50%", "enter")
        await asks(pilot, control, ("fault", "POST /api/signin", Fault(latency_s=1.0, share=0.5), LASTS_S))


async def test_what_is_not_understood_is_not_asked_for():
    control = FakeControl(sample())
    async with driven(control) as (_, pilot):
        await press(pilot, "tab", "i")
        await shows(pilot, "What goes wrong")
        await press(pilot, *"jjjjjjj", "enter", *"abc", "enter")
        await shows(pilot, "What goes wrong")
        await press(pilot, "escape")
        await until(pilot, lambda: "What goes wrong" not in text_of(pilot.app))
        assert control.asked == []


async def test_taken_away_from_one_and_from_all():
    control = FakeControl(replace(sample(), faults=on("/health", "/events")))
    async with driven(control) as (_, pilot):
        await press(pilot, "tab", "i")
        await shows(pilot, "nothing any more")
        await shows(pilot, "1m1s left")
        await press(pilot, "end", "k", "enter")
        await asks(pilot, control, ("clear faults", "/health"))
        await press(pilot, "i")
        await shows(pilot, "2 faults are on")
        await press(pilot, "end", "enter")
        await asks(pilot, control, ("clear faults", "/health"), ("clear faults", None))


async def test_a_refusal_is_shown():
    control = FakeControl(sample(), refuses=CommandError("there is no route '/health'"))
    async with driven(control) as (app, pilot):
        await press(pilot, "tab", "i")
        await shows(pilot, "What goes wrong")
        await press(pilot, "enter")
        await until(pilot, lambda: len(app._notifications) == 1)
        (notice,) = app._notifications
        assert notice.title == "Could not put a fault on /health"
        assert "there is no route '/health'" in notice.message


async def test_seen_in_the_header_and_at_the_route():
    control = FakeControl(replace(sample(), faults=on("/health")))
    async with driven(control, (160, 45)) as (app, pilot):
        await shows(pilot, "fault /health: 503 for 50 %")
        assert sum("503 for 50 %" in line for line in screen_of(app)) == 2


@pytest.mark.parametrize("width", [58, 78, 118, 158])
def test_the_header_says_so_whatever_the_width(width: int):
    assert "1 fault on" in said(header.header(replace(sample(), faults=on("/api/chat/{id}/messages" * 3))), width)
    assert "2 faults on" in said(header.header(replace(sample(), faults=on("/health", "/events"))), width)
    assert "fault" not in said(header.header(sample()), width)


def test_other_routes_do_not_have_it():
    found = route_rows.routes(replace(sample(), faults=on("/events")))
    assert [row.key for row in found if any(text == " 503 for 50 %" for text, _ in row.cells["route"])] == ["/events"]
