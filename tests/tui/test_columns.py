"""Which columns fit, and how wide they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.tui import health_rows, requests, route_rows, rows
from devgate.tui.columns import GAP, MARGIN, TIGHT, Column, place, shortened


def keys(columns, width: int) -> list[str]:
    return [column.key for column, _ in place(columns, width).columns]


def test_eighty_columns_hold_what_is_documented():
    assert keys(rows.SERVICES, 80) == ["state", "name", "port", "rate", "errors", "breaker", "sync"]


def test_a_usual_name_has_room_at_eighty_columns():
    """A service that is a stand-in has to look like one; with wide gaps its mark was cut off."""
    placed, gap = place(rows.SERVICES, 80)
    widths = {column.key: wide for column, wide in placed}
    assert (widths["name"], gap) == (26, TIGHT)
    assert place(rows.SERVICES, 120).gap == GAP
    assert place(rows.SERVICES, 160).gap == GAP


@pytest.mark.parametrize(
    ("name", "marks", "width", "expected"),
    [
        ("api", " stub", 20, "api stub"),
        ("analytics-server", " stub", 20, "analytics-serv… stub"),
        ("a" * 40, " stale 1/2 stub", 26, "aaaaaaaaaa… stale 1/2 stub"),
        ("analytics-server", " stale 1/2 stub", 18, "analytics-server stale 1/2 stub"),  # too little to know it by
        ("\x1b[2J漢字漢字漢字漢字漢字", " stub", 20, "\\x1b[2J漢字漢… stub"),
    ],
)
def test_a_name_gives_way_to_its_marks(name: str, marks: str, width: int, expected: str):
    column = Column("name", "Service", 20, marks=True)
    shown = "".join(text for text, _ in shortened(column, ((name, "strong"), (marks, "muted")), width))
    assert shown == expected


def test_columns_leave_in_the_documented_order():
    """SUPERVISION.md 1.3: memory, cpu, restarts, uptime, sync, breaker."""
    left: list[str] = []
    shown = keys(rows.SERVICES, 200)
    for width in range(200, 40, -1):
        now = keys(rows.SERVICES, width)
        left += [key for key in shown if key not in now]
        shown = now
    documented = ["memory", "cpu", "restarts", "uptime", "sync", "breaker"]
    assert [key for key in left if key in documented] == documented


def test_routes_always_show_hits_and_last_status():
    assert {"route", "hits", "last"} <= set(keys(route_rows.COLUMNS, 40))


@given(
    st.sampled_from([rows.SERVICES, route_rows.COLUMNS, requests.COLUMNS, health_rows.COLUMNS, health_rows.INSTANCES]),
    st.integers(60, 250),
)
def test_columns_never_take_more_than_there_is(columns, width: int):
    placed, gap = place(columns, width)
    taken = 2 * MARGIN + sum(wide for _, wide in placed) + gap * (len(placed) - 1)
    assert taken <= width
    for column, wide in placed:
        assert wide >= column.width
        assert not column.most or wide <= column.most
    if any(column.grow and not column.most for column, _ in placed):
        assert taken == width
