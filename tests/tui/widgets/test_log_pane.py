"""The log pane: follows until somebody reads, finds, folds, copies, and survives whatever a service prints."""

from __future__ import annotations

import re

import pytest
from textual.app import App, ComposeResult

from devgate.model.query import LogLine, LogSlice
from devgate.tui.widgets.log_pane import LIMIT, LogPane
from tests.tui.driving import steady
from tests.tui.fake_control import NOON
from tests.tui.hostile import HOSTILE


class Host(App[None]):
    """A pane alone on a screen, with the product's style sheet."""

    CSS_PATH = "../../../devgate/tui/app.tcss"
    ascii_only = False

    def __init__(self) -> None:
        super().__init__()
        self.pane = LogPane(id="log")
        self.said: list[str] = []
        self._seq = 0

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        self.animation_level = "none"
        self.pane.restart("web", merged=False)
        self.pane.focus()

    def on_log_pane_copy_asked(self, event: LogPane.CopyAsked) -> None:
        self.copy_to_clipboard(event.text)
        self.said.append(event.what)

    def log_(self, *texts: str, dropped: int = 0, run: int = 1, stream: str = "out") -> None:
        lines = []
        for text in texts:
            self._seq += 1
            lines.append(LogLine(self._seq, NOON, "web", 0, stream, text, run))
        self.pane.add(LogSlice(tuple(lines), 1, self._seq, dropped))

    @property
    def rows(self) -> list[str]:
        """The rows of text, without heading and scroll bar."""
        return [line[:39].rstrip() for line in self.lines[1:]]

    @property
    def lines(self) -> list[str]:
        return [strip.text.rstrip() for strip in self.screen._compositor.render_strips()]


def numbered(first: int, last: int) -> list[str]:
    return [f"line {number}" for number in range(first, last)]


async def test_follows_the_end_and_says_so_by_saying_nothing():
    app = Host()
    async with app.run_test(size=(40, 6)) as pilot:
        app.log_(*numbered(0, 50))
        await pilot.pause()
        assert app.lines[0].strip() == "Log web"
        assert [row.strip() for row in app.rows] == numbered(45, 50)


async def test_lines_that_arrive_one_by_one_are_all_seen():
    app = Host()
    async with app.run_test(size=(40, 6)) as pilot:
        for number in range(5):
            await pilot.pause()
            app.log_(f"line {number}")
        await pilot.pause()
        assert [row.strip() for row in app.rows] == numbered(0, 5)


async def test_the_scroll_bar_stands_where_the_lines_are():
    app = Host()
    async with app.run_test(size=(40, 6)) as pilot:
        app.log_(*numbered(0, 50))
        await pilot.pause()
        await pilot.pause()
        assert app.pane.vertical_scrollbar.position == app.pane.scroll_y > 0


async def test_reading_pauses_and_counts_what_comes():
    app = Host()
    async with app.run_test(size=(40, 6)) as pilot:
        app.log_(*numbered(0, 50))
        await pilot.press("k", "k")
        await pilot.pause()
        assert "paused" in app.lines[0]
        before = app.rows
        app.log_(*numbered(50, 362))
        await pilot.pause()
        assert "+312 new" in app.lines[0]
        assert app.rows == before
        await pilot.press("G")
        await pilot.pause()
        assert "new" not in app.lines[0]
        assert "line 361" in app.lines[-1]
        await pilot.press("k")
        await pilot.press("pagedown")
        await pilot.pause()
        assert app.pane.follow


async def test_what_is_read_stays_while_old_lines_leave():
    app = Host()
    async with app.run_test(size=(40, 6)) as pilot:
        app.log_(*numbered(0, LIMIT))
        await pilot.press("k", "k", "k", "k", "k", "k", "k", "k")
        await pilot.pause()
        before = app.rows
        app.log_(*numbered(LIMIT, LIMIT + 500))
        await pilot.pause()
        assert app.rows == before
        await pilot.press("g")
        await pilot.pause()
        assert "line 500" in app.lines[1]


async def test_a_burst_is_bounded_and_what_was_skipped_is_said():
    app = Host()
    async with app.run_test(size=(70, 8)) as pilot:
        app.log_("before")
        app.log_(*numbered(0, 3), dropped=95_000)
        await pilot.pause()
        assert any("95,000 lines skipped here; full in the log file" in line for line in app.lines)
        for _ in range(12):
            app.log_(*numbered(0, 10_000))
        assert app.pane.buffer.held == LIMIT


async def test_search_marks_and_walks():
    app = Host()
    async with app.run_test(size=(60, 8)) as pilot:
        app.log_(*[f"{'needle' if number % 20 == 0 else 'hay'} {number}" for number in range(100)])
        app.pane.search(re.compile("needle"))
        await pilot.pause()
        assert "/needle" in app.lines[0]
        assert any("needle 80" in line for line in app.lines)
        app.pane.action_find(-1)
        await pilot.pause()
        assert any("▌" in line and "needle 60" in line for line in app.lines)
        for _ in range(3):
            app.pane.action_find(1)
        await pilot.pause()
        assert any(("▌" in line and "needle 20" in line) or "needle 0" in line for line in app.lines)
        app.pane.search(None)
        await pilot.pause()
        assert "needle" not in app.lines[0]


async def test_a_search_goes_on_from_what_is_seen():
    app = Host()
    async with app.run_test(size=(60, 8)) as pilot:
        app.log_(*[f"{'ERROR' if number % 20 == 0 else 'hay'} {number}" for number in range(100)])
        await pilot.press("g")
        app.pane.action_error(1)
        await pilot.pause()
        assert any("▌" in line and "ERROR 0" in line for line in app.lines)
        await pilot.press("G")
        app.pane.action_error(-1)
        await pilot.pause()
        assert any("▌" in line and "ERROR 80" in line for line in app.lines)


async def test_filter_and_level():
    app = Host()
    async with app.run_test(size=(60, 8)) as pilot:
        app.log_("INFO a", "WARN b", "ERROR c", "   trace")
        app.pane.filter(re.compile("[ac]"))
        await pilot.pause()
        assert [line.strip() for line in app.lines[1:4]] == ["09:00:00 INFO a", "09:00:00 ERROR c", "09:00:00    trace"]
        app.pane.action_level()
        app.pane.action_level()
        await pilot.pause()
        assert "warning and worse" in app.lines[0]
        app.pane.action_level()
        app.pane.filter(None)
        await pilot.pause()
        assert "errors" in app.lines[0]
        assert [line.strip() for line in app.lines[1:4]] == ["09:00:00 ERROR c", "09:00:00    trace", ""]


async def test_folding_shows_every_character():
    app = Host()
    async with app.run_test(size=(42, 8)) as pilot:
        app.log_("a" * 70 + "END", "next")
        await pilot.pause()
        assert not any("END" in line for line in app.lines)
        app.pane.action_wrap()
        await pilot.pause()
        assert [line.strip() for line in app.lines[1:4]] == ["a" * 40, "a" * 30 + "END", "next"]
        app.pane.action_wrap()
        await pilot.press("l", "l", "l", "l", "l")
        await pilot.pause()
        assert any(line.endswith("END") for line in app.lines)


async def test_copying_a_line_a_run_and_a_selection():
    app = Host()
    async with app.run_test(size=(40, 8)) as pilot:
        app.log_("old", run=1)
        app.log_("run 2 started", stream="mark", run=2)
        app.log_("\x1b[31mfirst\x1b[0m line", "second line", run=2)
        await pilot.pause()
        app.pane.action_copy()
        await pilot.pause()
        assert app.clipboard == "second line"
        app.pane.action_copy_run()
        await pilot.pause()
        assert app.clipboard == "first line\nsecond line"
        await pilot.pause()
        assert app.said == ["1 line", "run 2 of web, 2 lines"]
        await pilot.mouse_down("#log", offset=(7, 3))
        await pilot.hover("#log", offset=(6, 4))
        await pilot.mouse_up("#log", offset=(6, 4))
        await pilot.pause()
        assert app.screen.get_selected_text() == "line\nsecond"
        app.pane.action_copy()
        await pilot.pause()
        assert app.clipboard == "line\nsecond"


async def test_a_merged_log_tells_the_services_apart():
    app = Host()
    async with app.run_test(size=(80, 6)) as pilot:
        app.pane.restart("all services", merged=True)
        lines = [
            LogLine(1, NOON, "a-service-with-a-long-name", 2, "out", "x", 1),
            LogLine(2, NOON, "web", 0, "err", "y", 1),
        ]
        app.pane.add(LogSlice(tuple(lines), 1, 2, 0))
        await pilot.pause()
        assert app.lines[1] == " 09:00:00 a-service-with-… x"
        assert app.lines[2] == " 09:00:00 web              y"


async def test_every_service_has_one_colour_and_errors_stand_out():
    app = Host()
    async with app.run_test(size=(60, 6)) as pilot:
        app.log_("plain", "ERROR boom")
        await pilot.pause()
        plain, error = (app.pane.render_lines(app.pane.size.region)[row] for row in (1, 2))
        assert plain._segments[-1].style.color != error._segments[2].style.color


@pytest.mark.parametrize("wrap", [False, True], ids=["cut", "folded"])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_hostile_lines_stay_in_their_row(text: str, wrap: bool):
    app = Host()
    async with app.run_test(size=(60, 9)) as pilot:
        app.log_("before", text, "after")
        if wrap:
            app.pane.action_wrap()
        await pilot.pause()
        strips = app.screen._compositor.render_strips()
        assert [strip.cell_length for strip in strips] == [60] * 9
        assert all(strip.text.isprintable() for strip in strips)
        assert any(line.rstrip(" ▁▂▃▄▅▆▇█").endswith("after") for line in app.lines)
        app.pane.search(re.compile("."))
        app.pane.action_sideways(3)
        await pilot.pause()
        assert all(strip.cell_length == 60 for strip in app.screen._compositor.render_strips())
        app.pane.action_copy_run()


async def test_ascii_alone():
    app = Host()
    app.ascii_only = True
    async with app.run_test(size=(60, 6)) as pilot:
        app.log_("日本 – ok", "run 2", stream="mark")
        await pilot.pause()
        assert all(line.isascii() for line in app.lines)
        assert "?? - ok" in app.lines[1]


async def test_a_log_that_grows_lays_nothing_out_anew(monkeypatch: pytest.MonkeyPatch):
    app = Host()
    async with app.run_test(size=(40, 8)) as pilot:
        app.log_(*numbered(0, 50))
        await steady(pilot)  # the scroll bar has its place
        laid_out = []
        monkeypatch.setattr(app.screen, "_refresh_layout", lambda *_, **__: laid_out.append(1))
        for start in range(50, 100, 10):
            app.log_(*numbered(start, start + 10))
            await pilot.pause()
        assert laid_out == []
        assert app.rows[-1].strip() == "line 99"
        assert app.pane.vertical_scrollbar.window_virtual_size == app.pane.virtual_size.height == 101
