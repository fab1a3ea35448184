"""A missing program is named, and hides nothing where the machine promises to have it."""

import pytest

from tests.tools import python_with, require_tool


def test_gives_the_path_of_a_program(monkeypatch: pytest.MonkeyPatch, tmp_path):
    program = tmp_path / "chromium-browser"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert require_tool("chromium") == str(program)


def test_skips_and_names_what_is_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("DEVGATE_REQUIRE_TOOLS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-program is not installed"):
        require_tool("no-such-program")


def test_fails_where_the_machine_has_everything(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DEVGATE_REQUIRE_TOOLS", "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-program is not installed"):
        require_tool("no-such-program")


def test_finds_the_interpreter_that_has_a_module(monkeypatch: pytest.MonkeyPatch, tmp_path):
    for name, status in (("without", 1), ("with", 0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "python3").write_text(f"#!/bin/sh\nexit {status}\n")
        (tmp_path / name / "python3").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'without'}:{tmp_path / 'with'}")
    assert python_with("gi") == str(tmp_path / "with" / "python3")
    monkeypatch.delenv("DEVGATE_REQUIRE_TOOLS", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "without"))
    with pytest.raises(pytest.skip.Exception, match="no python3 here has the module gi"):
        python_with("gi")
