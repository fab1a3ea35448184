"""What the screen looks like.

`pytest tests/tui/test_snapshots.py --snapshot-update` draws the pictures anew. Look at each one that has changed before accepting
it: this is the face of the product.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from devgate.errors import ProfileError
from devgate.tui.app import DevgateApp
from devgate.tui.bindings import VIEWS
from devgate.tui.theme import COLOUR_BLIND, LIGHT
from tests.inspection.sample import DETAIL
from tests.tui.driving import press, settle, shows, steady, until
from tests.tui.fake_control import FakeControl, log_lines, request_rows, rows_under_way, sample

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.pilot import Pilot

SIZES = [(80, 24), (120, 40), (160, 45)]
HELD: dict[str, Any] = {"method": "POST", "path": "/api/chat?q=a%20b&token=***", "status": 201, "service": "fechatter-server"} | {
    "route": "/api/chat", "error": "", "duration_ms": 34.5, "held_ms": 10.0, "request_bytes": 16, "response_bytes": 22
}  # fmt: skip


def control() -> FakeControl:
    lines = [*log_lines(count=60), *log_lines("bot-server", count=14, start=100)]
    return FakeControl(sample(), lines, request_rows(), rows_under_way())


def pressing(*keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def run(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, *keys)
        await steady(pilot)

    return run


def named(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


@pytest.mark.parametrize("size", SIZES, ids=named)
@pytest.mark.parametrize("view", VIEWS)
def test_view(snap_compare: Any, view: str, size: tuple[int, int]):
    keys = {"overview": ["j", "j", "j"], "profiles": ["5", "j", "j"]}
    run = pressing(*keys.get(view, [str(VIEWS[view])]))
    assert snap_compare(DevgateApp(control()), terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_request(snap_compare: Any, size: tuple[int, int]):
    shown = control()
    row = replace(shown.requests_[-1], **HELD)
    shown.requests_[-1] = row
    shown.details[row.seq] = replace(DETAIL, row=row)
    shown.lines = log_lines(count=200)

    async def run(pilot: Pilot[None]) -> None:
        await pressing("2")(pilot)
        await shows(pilot, "Requests 67 of")
        await pressing("j", "enter")(pilot)
        await shows(pilot, "until the first byte")
        await steady(pilot)

    assert snap_compare(DevgateApp(shown), terminal_size=size, run_before=run)


@pytest.mark.parametrize("theme", [LIGHT, COLOUR_BLIND], ids=lambda theme: theme.name)
def test_theme(snap_compare: Any, theme: Any):
    app = DevgateApp(control(), theme=theme.name)
    assert snap_compare(app, terminal_size=(120, 40), run_before=pressing("j", "j", "j"))


def test_without_colour(snap_compare: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(DevgateApp(control()), terminal_size=(120, 40), run_before=pressing("j", "j", "j"))


def test_routes_under_a_hundred_columns(snap_compare: Any):
    assert snap_compare(DevgateApp(control()), terminal_size=(80, 24), run_before=pressing("tab"))


def test_quitting(snap_compare: Any):
    assert snap_compare(DevgateApp(control()), terminal_size=(80, 24), run_before=pressing("q"))


def test_help(snap_compare: Any):
    assert snap_compare(DevgateApp(control()), terminal_size=(120, 40), run_before=pressing("question_mark"))


def test_a_config_error(snap_compare: Any):
    shown = control()
    shown.change(config_problems=("devgate.yaml:12:7: unknown key prot; did you mean port?", "devgate.yaml:20:3: x"))
    assert snap_compare(DevgateApp(shown), terminal_size=(120, 40), run_before=pressing())


def test_a_change_that_waits_for_agreement(snap_compare: Any):
    shown = control()
    problem = "devgate.yaml changed: new commands that nobody has agreed to; agree with `devgate reload`"
    shown.change(config_problems=(problem,), config_waits=True)
    assert snap_compare(DevgateApp(shown), terminal_size=(120, 40), run_before=pressing())


def test_a_profile_that_does_not_load(snap_compare: Any):
    shown = control()
    problems = [
        "profiles/ha.yaml:12:7: unknown key prot; did you mean port?\n  12 |     prot: 6688\n           ^",
        "profiles/ha.yaml:31:3: depends_on: a cycle: chat -> auth -> chat",
    ]
    shown.refuses = ProfileError("profiles/ha.yaml has 2 problems", problems, hint="The running profile stays.")
    assert snap_compare(DevgateApp(shown), terminal_size=(120, 40), run_before=pressing("5"))


def test_searching_a_log(snap_compare: Any):
    async def search(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, "3", "slash")
        pane = pilot.app.screen.query_one("#log")
        await until(
            pilot, lambda: pane.size.height == pane.vertical_scrollbar.window_size
        )  # room was made for the field
        await press(pilot, *"took=(4", "backspace", *"4..")

    assert snap_compare(DevgateApp(control()), terminal_size=(80, 24), run_before=search)


def test_a_notice(snap_compare: Any):
    shown = control()
    shown.refuses = ProfileError(
        "Port 6688 is taken by nginx (pid 812).", hint="Stop it, or give the service another port."
    )
    assert snap_compare(DevgateApp(shown), terminal_size=(120, 40), run_before=pressing("r"))


def test_stopping(snap_compare: Any):
    shown = control()
    services = tuple(replace(row, pid=None) if number > 2 else row for number, row in enumerate(shown.now.services))
    shown.change(stopping=True, services=services)
    assert snap_compare(DevgateApp(shown), terminal_size=(80, 24), run_before=pressing())


def test_nothing_yet(snap_compare: Any):
    empty = replace(sample(), services=(), routes=(), events=(), ready=0, total=0)
    assert snap_compare(DevgateApp(FakeControl(empty)), terminal_size=(80, 24), run_before=pressing())
