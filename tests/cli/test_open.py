"""`devgate open`: the right address, and a browser that gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devgate.errors import Exit
from devgate.model.snapshot import RouteRow, TrafficRow

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli
    from tests.tui.fake_control import FakeControl

GATEWAY = "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("route", "path"),
    [
        ([], ""),
        (["/health"], "/health"),
        (["POST /api/signin"], "/api/signin"),
        (["/api/files/*"], "/api/files/"),
        (["notify-server"], "/events"),
        (["/api/files/a b?x=1#y"], "/api/files/a%20b?x=1#y"),
        (["/api/chat/7/messages"], "/api/chat/7/messages"),
        (["/\x1b[2J\u202e"], "/%1B[2J%E2%80%AE"),
        (["/../..//x"], "/../..//x"),
    ],
)
def test_the_address(cli: Cli, running: FakeControl, route: list[str], path: str) -> None:
    assert cli("open", "--print", *route).out == f"{GATEWAY}{path}\n"


@pytest.mark.parametrize(
    ("route", "said"),
    [
        ("/api/chat/{id}/messages", "has a place to be filled in"),
        ("notify-sever", "did you mean 'notify-server'?"),
        ("http://evil.test/", "there is no route"),
        ("\x1b[2J", "there is no route"),
    ],
)
def test_what_cannot_be_opened(cli: Cli, running: FakeControl, route: str, said: str) -> None:
    result = cli("open", route)
    assert result.code == Exit.USAGE
    assert said in result.err
    assert "\x1b" not in result.err


@pytest.mark.parametrize("path", ["/api/*/log", "~/api/v[0-9]+"])
def test_nor_can_a_route_without_a_path_of_its_own(cli: Cli, running: FakeControl, path: str) -> None:
    running.change(routes=(RouteRow(path, path, (), "api", TrafficRow()),))
    assert f"{path} has a place to be filled in" in cli("open", path).err


def test_a_browser_gets_it(cli: Cli, running: FakeControl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {tmp_path}/got\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    monkeypatch.setattr("webbrowser._tryorder", None)  # it remembers what was there when it was first asked
    assert cli("open", "/health").code == 0
    assert (tmp_path / "got").read_text() == f"{GATEWAY}/health"


def test_no_browser_is_said(cli: Cli, running: FakeControl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    result = cli("open")
    assert (result.code, result.out) == (1, f"{GATEWAY}\n")
    assert "$BROWSER" in result.err
