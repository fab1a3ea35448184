"""What the last line says, and in which order it gives way."""

import pytest

from devgate.tui import bindings, key_line
from devgate.tui.widgets.line import place

EVERY = {binding.id: (binding.key, binding) for keys in bindings.ALL for binding in keys.table}
VIEWS = (*bindings.VIEWS, "request")


def said(view: str, width: int, *, wide: bool) -> str:
    line = place(key_line.of_view(view, EVERY, wide=wide), width, 2)
    return "".join(text for _, runs in line for text, _ in runs)


def test_every_view_has_its_keys_and_all_of_them_exist():
    assert set(key_line._OF_VIEWS) == set(VIEWS)
    for ids in key_line._OF_VIEWS.values():
        assert set(ids) | set(key_line._COMMON) <= bindings.IDS


@pytest.mark.parametrize("view", VIEWS)
def test_the_way_out_and_the_help_stay_longest(view: str):
    narrow = said(view, 40, wide=False)
    assert "quit" in narrow
    assert "help" in narrow


def test_where_there_is_room_the_views_are_named():
    assert "4 health" in said("overview", 200, wide=True)
    assert "1-5 views" in said("overview", 200, wide=False)
    assert "profiles" not in said("overview", 200, wide=True).partition("1 overview")[0]
    assert "p profiles" in said("overview", 200, wide=False)


def test_what_cannot_be_pressed_is_not_there():
    few = {id: EVERY[id] for id in ("screen.quit", "service.start")}
    (start, quit, _) = key_line.of_view("overview", few, wide=True)
    assert (start.key, quit.key) == ("s", "q")
