"""Pager, editor, clipboard, browser: which program a user wants, and how it is told where to look."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_PAGERS: Final = (("less",), ("more",))
_EDITORS: Final = (("nano",), ("vi",), ("notepad",))
_CLIPBOARDS: Final = (
    ("WAYLAND_DISPLAY", ("wl-copy",)),
    ("DISPLAY", ("xclip", "-selection", "clipboard")),
    ("DISPLAY", ("xsel", "--clipboard", "--input")),
)
_PLUS_LINE: Final = frozenset(
    {"less", "more", "vi", "vim", "nvim", "view", "nano", "emacs", "emacsclient", "kak", "joe"}
)
"""Programs that begin at a line when told `+12`."""
_COLON: Final = frozenset({"code", "codium", "code-insiders", "cursor", "subl", "hx", "helix", "micro", "zed"})
"""Programs that take `file:12:5`."""


def pager(environ: Mapping[str, str] = os.environ) -> list[str]:
    """`$PAGER`, else one that is here, else the editor; empty: there is nothing to look with."""
    return _named(environ, "PAGER") or _first(_PAGERS) or editor(environ)


def editor(environ: Mapping[str, str] = os.environ) -> list[str]:
    """`$VISUAL`, `$EDITOR`, else one that is here."""
    return _named(environ, "VISUAL") or _named(environ, "EDITOR") or _first(_EDITORS)


def at(program: list[str], file: str, line: int, column: int = 1) -> list[str]:
    """The command that opens a file at a place, as far as the program knows how; `line` 0: at the beginning."""
    name = PurePath(program[0]).name.removesuffix(".exe")
    if line and name in _PLUS_LINE:
        return [*program, f"+{line}", file]
    if line and name in _COLON:
        goto = ["--goto"] if name.startswith(("code", "cursor")) else []
        return [*program, *goto, f"{file}:{line}:{column}"]
    return [*program, file]


def shows_colour(program: list[str]) -> bool:
    """Whether colour sequences in a file come out as colour."""
    return PurePath(program[0]).name == "less"


def clipboard(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> list[str]:
    """What puts its input on the clipboard; empty: only the terminal can."""
    if platform == "darwin":
        return ["pbcopy"]
    for variable, command in _CLIPBOARDS:
        if environ.get(variable) and shutil.which(command[0]):
            return list(command)
    return []


def browser(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> list[str]:
    """What opens an address in a window of its own; empty: nothing does. Not `webbrowser`, which in a terminal would start a
    browser over the screen."""
    if platform == "darwin":
        return ["open"]
    if platform == "win32":
        return ["explorer"]
    windows = environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")
    return _first((("wslview",), ("xdg-open",))[0 if environ.get("WSL_DISTRO_NAME") else 1 :]) if windows else []


def _named(environ: Mapping[str, str], variable: str) -> list[str]:
    try:
        return shlex.split(environ.get(variable, ""))
    except ValueError:  # an open quote
        return []


def _first(commands: tuple[tuple[str, ...], ...]) -> list[str]:
    return next((list(command) for command in commands if shutil.which(command[0])), [])
