"""A missing program is named, and hides nothing where the machine promises to have it."""

import pytest

from tests.tools import require_tool


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
