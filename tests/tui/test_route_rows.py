"""Routes as rows: told apart by their paths, with the sign of what stands behind them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devgate.model.snapshot import RouteRow, TrafficRow
from devgate.tui import route_rows
from tests.tui.fake_control import sample


def text(runs) -> str:
    return "".join(part for part, _ in runs)


def test_routes_of_one_path_begin_with_what_tells_them_apart():
    """The end of a long path is cut where the pane is narrow."""
    path = "/api/workspace/chats"
    found = tuple(RouteRow(f"{method} {path}", path, (method,), "web", TrafficRow()) for method in ("GET", "POST"))
    shown = [text(row.cells["route"]) for row in route_rows.routes(replace(sample(), routes=found))]
    assert shown == [f"GET {path}", f"POST {path}"]


def test_a_route_shows_the_sign_of_the_service_behind_it():
    found = {row.key: row for row in route_rows.routes(sample(), "bot-server")}
    assert text(found["/api/bot/*"].cells["mark"]) == "✖"
    assert found["/api/bot/*"].cells["route"][0] == ("/api/bot/*", "strong")
    assert found["/events"].cells["route"][0] == ("/events", "plain")


@pytest.mark.parametrize(
    ("id", "methods", "said"),
    [
        ("GET|POST /api/chat", ("GET", "POST"), "/api/chat GET|POST"),
        ("/api/chat", (), "/api/chat"),
        ("GET api.test /api/chat", ("GET",), "/api/chat api.test GET"),
        ("chats", ("GET",), "chats"),
    ],
)
def test_a_route_is_told_apart_by_its_path(id: str, methods: tuple[str, ...], said: str):
    row = route_rows.route(RouteRow(id, "/api/chat", methods, "web", TrafficRow()), ("●", "good"), here=False)
    assert text(row.cells["route"]) == said


@pytest.mark.parametrize(
    ("path", "fixed"),
    [
        ("/api/chat", "/api/chat"),
        ("/api/chat/{id}/x", "/api/chat/"),
        ("/api/*/x", "/api/"),
        ("~/api/v[0-9]+/.*", "/api"),
        ("~/.*", "/"),
    ],
)
def test_what_is_known_of_a_path_without_asking(path: str, fixed: str):
    assert route_rows.fixed_part(path) == fixed
