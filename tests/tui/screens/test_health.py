"""The health view: the selected service's probes, failures and version; checking now."""

from __future__ import annotations

from tests.tui.driving import driven, press, shows, text_of
from tests.tui.fake_control import FakeControl, log_lines, request_rows, sample


def control() -> FakeControl:
    return FakeControl(sample(), log_lines(), request_rows())


async def test_the_selected_service_is_told_in_full():
    async with driven(control()) as (app, pilot):
        await press(pilot, "4")
        await shows(pilot, "GET /health every 5s")
        await shows(pilot, "Replica")
        await press(pilot, "j", "j", "j")
        await shows(pilot, "09:05:43 status 503  GET /api/bot/commands")
        assert "Replica" not in text_of(app)


async def test_s_looks_at_everything_now():
    shown = control()
    async with driven(shown) as (_app, pilot):
        await press(pilot, "4", "S")
        assert ("check",) in shown.asked
