"""Which program a user wants, and how it is told where to look."""

import stat
from pathlib import Path

import pytest

from devgate.tui import programs


@pytest.fixture
def bin_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def have(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch()
        (folder / name).chmod(stat.S_IRWXU)


def test_what_is_named_comes_first(bin_: Path):
    have(bin_, "less", "vi")
    assert programs.pager({"PAGER": "most -s"}) == ["most", "-s"]
    assert programs.editor({"EDITOR": "vim", "VISUAL": "code --wait"}) == ["code", "--wait"]


def test_then_what_is_here(bin_: Path):
    assert programs.pager({}) == []
    have(bin_, "vi")
    assert programs.pager({"PAGER": "an 'open quote"}) == ["vi"]
    have(bin_, "less")
    assert programs.pager({}) == ["less"]
    assert programs.editor({}) == ["vi"]


@pytest.mark.parametrize(
    ("program", "command"),
    [
        (["less"], ["less", "+12", "f"]),
        (["/usr/bin/nvim", "-R"], ["/usr/bin/nvim", "-R", "+12", "f"]),
        (["code", "--wait"], ["code", "--wait", "--goto", "f:12:5"]),
        (["hx"], ["hx", "f:12:5"]),
        (["ed"], ["ed", "f"]),
    ],
)
def test_a_place_is_said_as_the_program_understands_it(program: list[str], command: list[str]):
    assert programs.at(program, "f", 12, 5) == command
    assert programs.at(program, "f", 0) == [*program, "f"]


def test_the_clipboard_of_where_we_are(bin_: Path):
    have(bin_, "wl-copy", "xclip")
    assert programs.clipboard({}, "linux") == []
    assert programs.clipboard({"DISPLAY": ":0"}, "linux") == ["xclip", "-selection", "clipboard"]
    assert programs.clipboard({"DISPLAY": ":0", "WAYLAND_DISPLAY": "w"}, "linux") == ["wl-copy"]
    assert programs.clipboard({}, "darwin") == ["pbcopy"]


def test_a_browser_only_where_there_are_windows(bin_: Path):
    have(bin_, "xdg-open", "wslview")
    assert programs.browser({}, "linux") == []
    assert programs.browser({"DISPLAY": ":0"}, "linux") == ["xdg-open"]
    assert programs.browser({"DISPLAY": ":0", "WSL_DISTRO_NAME": "u"}, "linux") == ["wslview"]
    assert programs.browser({}, "darwin") == ["open"]
