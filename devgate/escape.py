"""Foreign text made visible: paths, headers, log lines and YAML before they reach a terminal (SEMANTICS 4, threat 15).

Everything that is not ours to print goes through `visible`. What could move the cursor, change the clipboard, reverse the reading
order or hide is shown as an escape (`\\x1b`, `\\u202e`), never passed on. The result is one line. It is not markup: a screen
that knows markup has to be told so separately.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

ELLIPSIS: Final = "…"

_SHORT: Final = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}

# Controls, format characters (bidi, zero width, tags), surrogates, line and paragraph separators, noncharacters, and letters that
# print nothing (Hangul and Khmer fillers). Private use is left alone: icons of patched fonts live there and do no harm.
_UNSEEN: Final = (
    "\x00-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# More than four marks on one letter reach into the lines above and below.
_HOSTILE: Final = re.compile(
    f"[{_UNSEEN}]|(?<=[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{{4}})"
    "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)


_SGR: Final = re.compile(r"\x1b\[[0-9;:]*m")


def without_colour(text: str) -> str:
    """A log line as the supervisor keeps it, without its SGR sequences."""
    return _SGR.sub("", text) if "\x1b" in text else text


def visible(text: str, width: int | None = None) -> str:
    """`text` as one harmless line; with `width`, at most so many terminal cells, the last of them an ellipsis if it was cut."""
    if width is not None and len(text) > width * 4 + 64:
        # Four code points in one cell are already more than any honest text has; the rest is not worth escaping.
        text = text[: width * 4 + 64] + ELLIPSIS
    if not (text.isascii() and text.isprintable()):
        text = _HOSTILE.sub(_escaped, text)
    return text if width is None else clipped(text, width)


def visible_coloured(text: str) -> str:
    """A log line as the supervisor keeps it, harmless and in its own colours."""
    if "\x1b" not in text:
        return visible(text)
    plain = map(visible, _SGR.split(text))
    return next(plain) + "".join(colour + part for colour, part in zip(_SGR.findall(text), plain, strict=True))


def cells(text: str) -> int:
    """Terminal cells that visible text takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def clipped(text: str, width: int) -> str:
    """Visible text, cut to `width` cells with an ellipsis as the last one."""
    if cells(text) <= width:
        return text
    if width <= 0:
        return ""
    used = 0
    for index, char in enumerate(text):
        used += _cells(char)
        if used > width - 1:
            return text[:index] + ELLIPSIS
    return text


def _cells(char: str) -> int:
    if char < "\u0300":
        return 1
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _escaped(match: re.Match[str]) -> str:
    return "".join(_SHORT.get(char) or _code(ord(char)) for char in match[0])


def _code(point: int) -> str:
    if 0xDC80 <= point <= 0xDCFF:  # a byte that was not UTF-8, as os.fsdecode keeps it
        point -= 0xDC00
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
