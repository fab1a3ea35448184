"""What leaves the screen says where it went."""

from __future__ import annotations

import stat
import sys
from typing import TYPE_CHECKING

import pytest

from devgate.tui import leaving
from tests.tui.driving import driven, press, shows, until
from tests.tui.fake_control import FakeControl, log_lines, sample

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot


def control() -> FakeControl:
    return FakeControl(sample(), log_lines(count=30))


@pytest.fixture(autouse=True)
def no_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)


async def told(pilot: Pilot[None], text: str) -> None:
    """A notice says it; the tests' app draws none."""
    await until(pilot, lambda: any(text in notice.message for notice in pilot.app._notifications))


async def test_a_copy_says_that_it_went_through_the_terminal():
    async with driven(control()) as (app, pilot):
        await press(pilot, "3", "y")
        await told(pilot, "copied 1 line through the terminal")
        assert app.clipboard


async def test_more_than_a_terminal_takes_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(leaving, "TERMINAL_TAKES", 100)
    async with driven(control()) as (_app, pilot):
        await press(pilot, "3", "Y")
        await told(pilot, "copied run 3 of fechatter-server, 29 lines through")


@pytest.mark.skipif(sys.platform != "linux", reason="the desktop's program is named otherwise there")
async def test_a_program_gets_the_copy_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program = tmp_path / "wl-copy"
    program.write_text(f"#!/bin/sh\ncat > {tmp_path}/copied\n")
    program.chmod(stat.S_IRWXU)
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    async with driven(control()) as (app, pilot):
        await press(pilot, "3", "y")
        await told(pilot, "copied 1 line with wl-copy")
        assert (tmp_path / "copied").read_text() == app.clipboard


async def test_a_pager_that_cannot_be_had_is_said(monkeypatch: pytest.MonkeyPatch):
    """A test has no terminal to give away."""
    monkeypatch.setenv("PAGER", "less")
    async with driven(control()) as (app, pilot):
        await press(pilot, "3", "v")
        await told(pilot, "this terminal cannot be given to another program")
        assert app.return_code is None


async def test_searching_everywhere_merges_and_asks():
    async with driven(control()) as (app, pilot):
        await press(pilot, "3", "ctrl+f", *"took=412", "enter")
        assert app.merged
        await shows(pilot, "/took=412")
        await shows(pilot, "Log all services")
