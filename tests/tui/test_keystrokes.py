"""Keys as a program in a terminal hears them."""

import pytest

from devgate.tui.keystrokes import keystroke, pasted


@pytest.mark.parametrize(
    ("key", "character", "sent"),
    [
        ("a", "a", b"a"),
        ("A", "A", b"A"),
        ("upper_a", "A", b"A"),
        ("question_mark", "?", b"?"),
        ("space", " ", b" "),
        ("ü", "ü", "ü".encode()),
        ("enter", "\r", b"\r"),
        ("shift+enter", None, b"\r"),
        ("tab", "\t", b"\t"),
        ("shift+tab", None, b"\x1b[Z"),
        ("escape", "\x1b", b"\x1b"),
        ("backspace", "\x7f", b"\x7f"),
        ("ctrl+c", "\x03", b"\x03"),
        ("ctrl+c", None, b"\x03"),
        ("ctrl+d", "\x04", b"\x04"),
        ("ctrl+backslash", "\x1c", b"\x1c"),
        ("ctrl+@", "\x00", b"\x00"),
        ("up", None, b"\x1b[A"),
        ("ctrl+left", None, b"\x1b[1;5D"),
        ("f5", None, b"\x1b[15~"),
        ("f12", None, b"\x1b[24~"),
        ("alt+b", None, b"\x1bb"),
        ("alt+left", None, b"\x1b\x1b[D"),
        ("ctrl+shift+f13", None, b""),
        ("<mouse>", None, b""),
        ("shift+shift+", None, b""),
    ],
)
def test_a_key(key: str, character: str | None, sent: bytes) -> None:
    assert keystroke(key, character) == sent


def test_what_is_pasted_cannot_press_keys() -> None:
    assert pasted("one\r\ntwo\x1b]0;x\x07\nthree\x03\tfour") == b"one\rtwo]0;x\rthree\tfour"
