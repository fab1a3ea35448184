"""The table paints what differs, keeps its cursor on its row, and survives any text."""

from __future__ import annotations

import pytest
from textual import on
from textual.app import App, ComposeResult
from textual.geometry import Region

from devgate.tui.columns import Column, Row
from devgate.tui.widgets.live_table import LiveTable
from tests.tui.hostile import HOSTILE

COLUMNS = (Column("name", "Name", 8, grow=1), Column("hits", "Hits", 5, right=True))


def row(key: str, hits: int = 0, name: str | None = None) -> Row:
    return Row(key, {"name": ((key if name is None else name, "strong"),), "hits": ((str(hits), "plain"),)})


class Host(App[None]):
    """A table alone on a screen, with the product's style sheet."""

    CSS_PATH = "../../../devgate/tui/app.tcss"

    def __init__(self, **options: object) -> None:
        super().__init__()
        self.table = LiveTable(COLUMNS, id="table", **options)
        self.moved: list[str] = []
        self.chosen: list[str] = []
        self.painted: list[tuple[Region, ...]] = []

    def compose(self) -> ComposeResult:
        yield self.table

    @on(LiveTable.Moved)
    def _moved(self, event: LiveTable.Moved) -> None:
        self.moved.append(event.key)

    @on(LiveTable.Chosen)
    def _chosen(self, event: LiveTable.Chosen) -> None:
        self.chosen.append(event.key)

    def watch_paint(self) -> None:
        """Note from now on which regions the table asks to be painted."""
        refresh = self.table.refresh

        def noted(*regions: Region, **options: bool) -> LiveTable:
            self.painted.append(regions)
            return refresh(*regions, **options)

        self.table.refresh = noted  # type: ignore[method-assign]

    @property
    def lines(self) -> list[str]:
        return [strip.text.rstrip() for strip in self.screen._compositor.render_strips()]


async def test_only_changed_rows_are_painted():
    app = Host()
    async with app.run_test(size=(30, 10)) as pilot:
        app.table.show([row("a"), row("b"), row("c")])
        await pilot.pause()
        app.watch_paint()
        app.table.show([row("a"), row("b"), row("c")])
        assert app.painted == []
        app.table.show([row("a"), row("b", 7), row("c")])
        assert app.painted == [(Region(0, 2, 30, 1),)]
        await pilot.pause()
        assert app.lines[2] == " b".ljust(28) + "7"


async def test_rows_out_of_view_cost_nothing():
    app = Host()
    async with app.run_test(size=(30, 10)) as pilot:
        app.table.show([row(str(number)) for number in range(200)])
        await pilot.pause()
        app.watch_paint()
        app.table.show([row(str(number), 1 if number > 50 else 0) for number in range(200)])
        assert app.painted == []


async def test_the_cursor_stays_on_its_row():
    app = Host()
    async with app.run_test(size=(30, 10)) as pilot:
        app.table.show([row("a"), row("b"), row("c")])
        await pilot.press("j", "down")
        assert app.table.key == "c"
        app.table.show([row("c"), row("a"), row("b")])
        assert app.table.key == "c"
        app.table.show([row("a"), row("b")])
        assert app.table.key == "a"
        app.table.show([])
        assert app.table.key == ""
        await pilot.press("j", "k", "G", "g", "pagedown", "enter")
        app.table.show([row("z")])
        await pilot.pause()
        assert app.moved[-1] == "z"
        assert app.chosen == []


async def test_newest_first_stays_at_the_top_or_with_what_is_read():
    app = Host(newest_first=True)
    async with app.run_test(size=(30, 6)) as pilot:
        app.table.show([row(str(number)) for number in range(20, 0, -1)])
        app.table.show([row(str(number)) for number in range(21, 0, -1)])
        assert app.table.key == "21"
        await pilot.press("j", "j", "j", "j", "j", "j", "j")
        assert app.table.key == "14"
        before = [line[:29] for line in app.lines]  # without the scroll bar
        app.table.show([row(str(number)) for number in range(25, 0, -1)])
        await pilot.pause()
        assert app.table.key == "14"
        assert [line[:29] for line in app.lines] == before


async def test_keys_and_mouse_move_and_choose():
    app = Host()
    async with app.run_test(size=(30, 8)) as pilot:
        app.table.show([row(str(number)) for number in range(50)])
        await pilot.press("G")
        assert app.table.key == "49"
        await pilot.pause()
        assert app.lines[-1].split()[:2] == ["49", "0"]
        await pilot.press("ctrl+u", "g", "enter")
        assert app.chosen == ["0"]
        await pilot.click("#table", offset=(3, 4))
        assert app.table.key == "3"
        await pilot.click("#table", offset=(3, 4), times=2)
        assert app.chosen == ["0", "3"]
        await pilot.click("#table", offset=(3, 0))
        assert app.table.key == "3"


async def test_an_empty_table_says_so():
    app = Host(empty="no services in this profile")
    async with app.run_test(size=(40, 5)) as pilot:
        await pilot.pause()
        assert app.lines[1] == " no services in this profile"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_hostile_text_stays_in_its_cell(text: str):
    app = Host()
    async with app.run_test(size=(30, 5)) as pilot:
        app.table.show([row("a"), row("b", 42, text), row("c")])
        await pilot.pause()
        strips = app.screen._compositor.render_strips()
        assert [strip.cell_length for strip in strips] == [30] * 5
        assert all(strip.text.isprintable() for strip in strips)
        assert app.lines[1].split() == ["a", "0"]
        assert app.lines[2].endswith("42")
        assert app.lines[3].split() == ["c", "0"]


@pytest.mark.parametrize("width", [1, 2, 5, 12, 14, 15])
async def test_a_table_narrower_than_its_columns_is_cut(width: int):
    app = Host()
    async with app.run_test(size=(width, 5)) as pilot:
        app.table.show([row("service", 12345)])
        await pilot.pause()
        assert all(strip.cell_length == width for strip in app.screen._compositor.render_strips())
