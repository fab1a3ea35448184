"""Answers as bytes (RFC 9112)."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK: Final = b"0\r\n\r\n"

_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}


def head(status: int, fields: Iterable[tuple[str, str]], *, service: str, wall: float) -> bytes:
    """Status line and header section. Every answer names the stub, and carries a date (RFC 9110 6.6.1)."""
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(wall))
    lines = [
        f"HTTP/1.1 {status} {_REASONS.get(status, '')}",
        f"Date: {date}",
        f"X-Stub-Service: {service}",
        *(f"{name}: {value}" for name, value in fields),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def has_body(method: str, status: int) -> bool:
    """Whether an answer carries one (RFC 9110 6.4.1)."""
    return method != "HEAD" and status not in (204, 304)


def length_field(status: int, size: int) -> tuple[tuple[str, str], ...]:
    """`Content-Length`, where it may be sent (RFC 9110 8.6)."""
    return () if status in (204, 304) else (("Content-Length", str(size)),)


def persistence_field(version: str, *, keep_alive: bool) -> tuple[tuple[str, str], ...]:
    """`Connection`, where it says something that the version does not (RFC 9112 9.3)."""
    if not keep_alive:
        return (("Connection", "close"),)
    return (("Connection", "keep-alive"),) if version == "1.0" else ()


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body. `data` is not empty: that would be the last one."""
    return b"%x\r\n%b\r\n" % (len(data), data)
