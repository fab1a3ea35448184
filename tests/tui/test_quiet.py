"""Nothing that is logged reaches the terminal while the screen owns it."""

import io
import logging
import sys
from pathlib import Path

import pytest

from devgate.tui.quiet import KEPT, held_back


def a_terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Called in the test, because pytest's own capture takes stderr back between a fixture and its test."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def test_a_handler_on_stderr_waits_until_the_screen_is_gone(monkeypatch: pytest.MonkeyPatch):
    terminal = a_terminal(monkeypatch)
    logger = logging.getLogger("devgate.quiet-test")
    handler = logging.StreamHandler()
    logger.addHandler(handler)
    try:
        with held_back():
            logger.error("broken \x1b[2J pipe")
            assert terminal.getvalue() == ""
        assert terminal.getvalue() == "broken \\x1b[2J pipe\n"
        logger.error("later")
        assert terminal.getvalue().endswith("later\n")
    finally:
        logger.removeHandler(handler)


def test_a_logger_without_any_handler_waits_too(monkeypatch: pytest.MonkeyPatch):
    terminal = a_terminal(monkeypatch)
    logger = logging.getLogger("devgate.quiet-lonely")
    logger.propagate = False
    with held_back():
        logger.warning("nobody listens")
        assert terminal.getvalue() == ""
    assert terminal.getvalue() == "nobody listens\n"


def test_a_file_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    terminal = a_terminal(monkeypatch)
    logger = logging.getLogger("devgate.quiet-file")
    logger.propagate = False
    handler = logging.FileHandler(tmp_path / "log")
    logger.addHandler(handler)
    try:
        with held_back():
            logger.error("kept")
            assert (tmp_path / "log").read_text() == "kept\n"
    finally:
        logger.removeHandler(handler)
        handler.close()
    assert terminal.getvalue() == ""


def test_a_flood_is_bounded(monkeypatch: pytest.MonkeyPatch):
    terminal = a_terminal(monkeypatch)
    logger = logging.getLogger("devgate.quiet-flood")
    logger.propagate = False
    with held_back():
        for number in range(KEPT * 3):
            logger.error("line %s", number)
    lines = terminal.getvalue().splitlines()
    assert len(lines) == KEPT
    assert lines[-1] == f"line {KEPT * 3 - 1}"
