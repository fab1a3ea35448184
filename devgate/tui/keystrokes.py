"""What a keyboard sends for a key: from Textual's names back to the bytes that a program in a terminal expects. Pure."""

from __future__ import annotations

from typing import Final

_NAMED: Final = {
    "enter": "\r",
    "tab": "\t",
    "shift+tab": "\x1b[Z",
    "escape": "\x1b",
    "backspace": "\x7f",
    "space": " ",
    "ctrl+space": "\0",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "ctrl+up": "\x1b[1;5A",
    "ctrl+down": "\x1b[1;5B",
    "ctrl+right": "\x1b[1;5C",
    "ctrl+left": "\x1b[1;5D",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "insert": "\x1b[2~",
    "delete": "\x1b[3~",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    "f1": "\x1bOP",
    "f2": "\x1bOQ",
    "f3": "\x1bOR",
    "f4": "\x1bOS",
    **{
        f"f{number}": f"\x1b[{code}~"
        for number, code in zip(range(5, 13), (15, 17, 18, 19, 20, 21, 23, 24), strict=True)
    },
}
"""As xterm sends them, which is what TERM says there."""
_CONTROL: Final = {
    "@": "\x00",
    "left_square_bracket": "\x1b",
    "backslash": "\x1c",
    "right_square_bracket": "\x1d",
    "circumflex_accent": "\x1e",
    "underscore": "\x1f",
}


def keystroke(key: str, character: str | None) -> bytes:
    """The bytes of one key; none for a key that no terminal sends.

    Args:
        key: as Textual calls it: `a`, `ctrl+c`, `shift+tab`.
        character: what it writes, if anything.
    """
    if key in _NAMED:
        return _NAMED[key].encode()
    if key.startswith("alt+"):
        rest = key.removeprefix("alt+")
        sent = keystroke(rest, character or (rest if len(rest) == 1 else None))
        return b"\x1b" + sent if sent else b""
    if key.startswith("ctrl+"):
        rest = key.removeprefix("ctrl+")
        if len(rest) == 1 and rest.isascii() and rest.isalpha():
            return bytes([ord(rest.upper()) & 0x1F])
        return _CONTROL.get(rest, "").encode()
    if character and character.isprintable():
        return character.encode()
    return keystroke(key.removeprefix("shift+"), None) if key.startswith("shift+") else b""


def pasted(text: str) -> bytes:
    """Text from the clipboard as if it was typed: without control characters, which could do anything; Enter for a line end."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\r".join("".join(char for char in line if char.isprintable() or char == "\t") for line in lines).encode()
