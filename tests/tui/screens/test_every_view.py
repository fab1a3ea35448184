"""What every view must do: show nothing, show much, survive any text, at every size; and keep its words without colour."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle
from typing import Any

import pytest

from devgate.errors import CommandError, DevgateError
from devgate.model.plan import RouteChanges
from devgate.model.query import LogLine
from devgate.model.snapshot import EventRow, Snapshot, TrafficRow
from devgate.model.status import HealthState, ServiceState, SyncState
from devgate.tui.bindings import VIEWS
from tests.tui.driving import driven, news, press, screen_of, settle, shows, text_of, until
from tests.tui.fake_control import PLAN, FakeControl, log_lines, request_rows, sample, service
from tests.tui.hostile import HOSTILE

pytestmark = pytest.mark.usefixtures("from_both_sides")

EMPTY = Snapshot(
    seq=1, at=0.0, version="", profile="", profile_source="", url="", uptime_s=0, ready=0, total=0, health=HealthState.UNKNOWN,
    sync=SyncState.UNKNOWN, sync_expected="", traffic=TrafficRow(), loop_delay_ms=0, config_problems=(), reloaded_at=None,
    services=(), routes=(), events=(),
)  # fmt: skip


def full() -> FakeControl:
    return FakeControl(sample(), log_lines(), request_rows())


def crowded() -> FakeControl:
    """Two hundred services, routes and requests."""
    snapshot = sample()
    services = tuple(service(f"service-{number}", 7000 + number) for number in range(200))
    routes = tuple(replace(snapshot.routes[0], id=f"/r/{number}", path=f"/r/{number}") for number in range(200))
    events = tuple(EventRow(number, f"event {number}", "info") for number in range(200))
    now = replace(snapshot, services=services, routes=routes, events=events)
    return FakeControl(now, log_lines(count=5_000), request_rows(1_000))


def poisoned(first: int) -> FakeControl:
    """Every string that comes from outside is hostile, each in another way."""
    text = cycle([*HOSTILE.values()][first:] + [*HOSTILE.values()][:first])
    snapshot = sample()
    services = tuple(
        replace(
            row, name=f"{next(text)}{number}", cause=next(text), last_error=next(text), health_detail=next(text),
            waiting_for=(next(text),), stale=(next(text),), breaker=replace(row.breaker, last_cause=next(text)),
            sync=replace(row.sync, actual=next(text), detail=next(text)),
        )
        for number, row in enumerate(snapshot.services)
    )  # fmt: skip
    routes = tuple(
        replace(row, id=f"{next(text)}{number}", path=next(text), methods=(next(text),))
        for number, row in enumerate(snapshot.routes)
    )
    now = replace(
        snapshot, profile=next(text), profile_source=next(text), url=next(text), sync_expected=next(text),
        config_problems=(next(text), next(text)), services=services, routes=routes,
        events=(EventRow(0, next(text), next(text)), EventRow(1, next(text), "error")),
    )  # fmt: skip
    name = services[0].name
    requests = [
        replace(
            row,
            request_id=next(text),
            method=next(text),
            path=next(text),
            route=next(text),
            service=name,
            error=next(text),
        )
        for row in request_rows(20)
    ]
    lines = [
        LogLine(number, 0, name, 0, "mark" if number % 5 == 0 else "out", next(text), 1) for number in range(1, 40)
    ]
    plan = replace(
        PLAN, keep=(next(text),), stop=(next(text),), routes=RouteChanges((next(text),)), gateway=(next(text),)
    )
    return FakeControl(now, lines, requests, plan=plan)


def well_formed(app: Any, size: tuple[int, int]) -> None:
    """Nothing reaches beyond its line, and nothing in it acts on a terminal."""
    strips = app.screen._compositor.render_strips()
    assert [strip.cell_length for strip in strips] == [size[0]] * size[1]
    assert all(strip.text.isprintable() for strip in strips)


CASES = {
    "empty-80x24": (lambda: FakeControl(EMPTY), (80, 24)),
    "full-60x15": (full, (60, 15)),
    "full-80x24": (full, (80, 24)),
    "crowded-120x40": (crowded, (120, 40)),
    "crowded-250x60": (crowded, (250, 60)),
}


@pytest.mark.parametrize(("make", "size"), CASES.values(), ids=CASES.keys())
async def test_every_view_at_every_size(make: Any, size: tuple[int, int]):
    async with driven(make(), size) as (app, pilot):
        for view, number in VIEWS.items():
            await press(pilot, str(number))
            assert app.live is not None
            assert app.live.view == view
            well_formed(app, size)
            await press(pilot, "G", "tab", "G", "k", "enter")
            well_formed(app, size)
            await press(pilot, "escape")


@pytest.mark.parametrize("first", range(0, len(HOSTILE), 6))
async def test_hostile_text_changes_nothing_but_its_own_cell(first: int):
    size = (120, 40)
    async with driven(poisoned(first), size) as (app, pilot):
        for number in VIEWS.values():
            await press(pilot, str(number))
            well_formed(app, size)
            await press(pilot, "enter")
            well_formed(app, size)
            await press(pilot, "escape", "1")
        await press(pilot, "q")
        well_formed(app, size)
        await press(pilot, "escape", "colon")
        assert app.return_code is None


async def test_a_hostile_refusal_is_a_notice():
    control = full()
    async with driven(control) as (app, pilot):
        for text in HOSTILE.values():
            control.refuses = DevgateError(text, hint=text)
            await press(pilot, "r")
            well_formed(app, (120, 40))
        await press(pilot, "5")
        well_formed(app, (120, 40))
        assert app.return_code is None


@pytest.mark.parametrize("view", VIEWS)
async def test_the_last_line_of_a_small_terminal_says_how_to_leave_and_where_help_is(view: str):
    async with driven(full(), (80, 24)) as (app, pilot):
        await press(pilot, str(VIEWS[view]))
        keys = screen_of(app)[-1]
        assert "q quit" in keys
        assert "? help" in keys
        assert view == "profiles" or "p profiles" in keys
        assert view == "overview" or "esc back" in keys


@pytest.mark.parametrize(
    ("key", "said"), [("question_mark", ""), ("q", ""), ("tab,i", ""), ("colon", "↑↓ choose  ⏎ run  esc back")]
)
async def test_the_last_line_offers_nothing_that_does_nothing_under_a_dialog(key: str, said: str):
    async with driven(full()) as (app, pilot):
        *towards, key = key.split(",")
        await press(pilot, *towards)
        before = screen_of(app)[-1].strip()
        await press(pilot, key)
        await until(pilot, lambda: screen_of(app)[-1].strip() == said)
        await press(pilot, "escape")
        await until(pilot, lambda: screen_of(app)[-1].strip() == before)


async def test_a_terminal_that_is_too_small_says_so():
    async with driven(full(), (59, 14)) as (app, pilot):
        lines = [line.strip() for line in screen_of(app)]
        assert lines[0] == "devgate needs 60x15 cells; make the window larger"
        assert not any(lines[1:])
        await pilot.resize_terminal(60, 15)
        await until(pilot, lambda: "fechatter/development" in screen_of(app)[0])
        await pilot.resize_terminal(20, 3)
        await settle(pilot)
        await press(pilot, "2", "3", "4", "5", "1", "q", "escape")


@pytest.mark.parametrize("view", VIEWS.values())
async def test_without_colour_every_word_is_still_there(view: int, monkeypatch: pytest.MonkeyPatch):
    async with driven(full()) as (app, pilot):
        await press(pilot, str(view))
        words = [line.rstrip(" ▁▂▃▄▅▆▇█") for line in screen_of(app)]
    monkeypatch.setenv("NO_COLOR", "1")
    async with driven(full()) as (app, pilot):
        await press(pilot, str(view))
        assert [line.rstrip(" ▁▂▃▄▅▆▇█") for line in screen_of(app)] == words
        colours = {
            color.name
            for strip in app.screen._compositor.render_strips()
            for segment in strip
            if segment.style
            for color in (segment.style.color, segment.style.bgcolor)
            if color is not None
        }
        assert colours <= {"default"}


async def test_without_colour_the_selected_row_is_still_seen(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with driven(full()) as (app, _):
        strips = app.screen._compositor.render_strips()
        assert all(segment.style.reverse for segment in strips[2].crop(0, 119))
        assert not any(segment.style.reverse for segment in strips[3])


@pytest.mark.parametrize("view", VIEWS.values())
async def test_ascii_alone(view: int):
    async with driven(full(), ascii_only=True) as (app, pilot):
        await press(pilot, str(view))
        text = "\n".join(line[:-1] for line in screen_of(app))
        assert text.isascii(), {char for char in text if not char.isascii()}
        if view == 1:
            for words in ("* ready", "x crashed", "~ backoff", "! degraded", "- completed", "o external"):
                assert words in text


async def test_states_are_words_and_signs():
    now = replace(sample(), services=tuple(service(state.value, state=state) for state in ServiceState))
    async with driven(FakeControl(now)) as (app, _):
        text = text_of(app)
        for state in ServiceState:
            assert state.value in text


async def test_a_config_error_is_a_banner_on_every_view():
    control = full()
    control.change(config_problems=("devgate.yaml:12:7: unknown key prot; did you mean port?",))
    async with driven(control) as (app, pilot):
        for number in VIEWS.values():
            await press(pilot, str(number))
            assert "✖ config error  devgate.yaml:12:7: unknown key prot; did you mean port?" in screen_of(app)[1]
        control.change(config_problems=())
        await news(pilot, control)
        assert "config error" not in text_of(app)


async def test_a_bug_in_drawing_costs_the_view_its_news_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    control = full()
    async with driven(control) as (app, pilot):
        monkeypatch.setattr("devgate.tui.rows.services", lambda *_, **__: 1 / 0)
        control.change()
        await shows(pilot, "this view failed: ZeroDivisionError")
        await press(pilot, "4")
        assert app.live.view == "health"
    caplog.clear()


async def test_a_devgate_that_does_not_answer_is_said_and_asked_again():
    class Silent(FakeControl):
        silent = False

        def snapshot(self) -> Snapshot:
            if self.silent:
                raise CommandError("devgate does not answer")
            return super().snapshot()

    control = Silent(sample())
    async with driven(control) as (app, pilot):
        control.silent = True
        control.change()
        await until(pilot, lambda: "devgate does not answer" in screen_of(app)[0])
        control.silent = False
        control.change()
        await until(pilot, lambda: "fechatter/development" in screen_of(app)[0])
