"""A finished request as a command that sends it again, as far as it may be told: secrets are masked, and said to be."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final

from devgate.escape import visible
from devgate.redact import MASK

if TYPE_CHECKING:
    from devgate.model.detail import RequestDetail

_OWN: Final = frozenset(
    {"host", "content-length", "connection", "transfer-encoding", "accept-encoding", "expect", "upgrade"}
)
"""Headers that curl makes itself, or that would change what comes back into something unreadable."""
_PLAIN: Final = re.compile(r"[\n\t]")


def curl(detail: RequestDetail) -> str:
    """A command for a POSIX shell; one with `$'...'` where a value holds control characters."""
    row = detail.row
    parts = ["curl -i"]
    body = detail.request_body
    method = row.method
    if method == "HEAD":
        parts[0] += " --head"
    elif method != ("POST" if body.text else "GET"):
        parts[0] += f" -X {quoted(method)}"
    parts[0] += " " + quoted(detail.target)
    # curl takes "Name:" for "leave it out", and sends an empty one for "Name;".
    parts += [
        "-H " + quoted(f"{field.name}: {field.value}" if field.value else f"{field.name};")
        for field in detail.request
        if field.name.lower() not in _OWN
    ]
    if "accept-encoding" in {field.name.lower() for field in detail.request}:
        parts.append("--compressed")
    if body.text:
        parts.append("--data-raw " + quoted(body.text))
    command = " \\\n  ".join(parts)
    said = []
    if MASK in command:
        said.append("secrets are masked: put yours in their place")
    if body.size and (body.cut or not body.text):
        said.append(f"the body of {body.size:,} bytes is not all here{f': {body.note}' if body.note else ''}")
    return "".join(f"# {one}\n" for one in said) + command


def quoted(text: str) -> str:
    """As one word of a shell, and harmless to the terminal that shows it."""
    if visible(_PLAIN.sub("", text)) == _PLAIN.sub("", text):
        return shlex.quote(text)
    escaped = "".join(
        char if char.isprintable() and char not in "\\'" else f"\\{char}" if char in "\\'" else _code(char)
        for char in text
    )
    return f"$'{escaped}'"


def _code(char: str) -> str:
    point = ord(char)
    if 0xDC80 <= point <= 0xDCFF:  # a byte that was not UTF-8
        return f"\\x{point - 0xDC00:02x}"
    return f"\\x{point:02x}" if point < 0x80 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
