"""What a service is told about the client's side of the gateway (RFC 7239, and the older names for the same). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devgate.gateway.headers import Field


def forwarded_lines(peer: str, host: bytes, port: int, prefix: bytes, scheme: bytes = b"http") -> bytes:
    """Of a client that speaks for itself: what it says of others does not count.

    `host` is the client's `Host` after it was found to be ours, so it holds no quote.
    """
    address = f'"[{peer}]"' if ":" in peer else peer
    named = b'host="%b";' % host if host else b""
    lines = [
        b"Forwarded: for=%b;%bproto=%b\r\n" % (address.encode(), named, scheme),
        b"X-Forwarded-For: %b\r\n" % peer.encode(),
        b"X-Forwarded-Host: %b\r\n" % host if host else b"",
        b"X-Forwarded-Port: %d\r\n" % port,
        b"X-Forwarded-Proto: %b\r\n" % scheme,
        b"X-Forwarded-Prefix: %b\r\n" % prefix if prefix else b"",
        b"X-Real-IP: %b\r\n" % peer.encode(),
    ]
    return b"".join(lines)


def appended_lines(raw: Sequence[Field], peer: str, host: bytes, port: int, prefix: bytes) -> bytes:
    """Of a proxy that is trusted: what it says, with itself at the end. What it leaves out is said as of any client.

    Args:
        raw: the fields of its request.
    """
    given: dict[bytes, bytes] = {}
    for name, value in raw:
        key = name.lower()
        given[key] = b"%b, %b" % (given[key], value) if key in given else value
    lines = []
    for line in forwarded_lines(peer, host, port, prefix).splitlines(keepends=True):
        name, _, value = line.partition(b": ")
        before = given.get(name.lower())
        if not before or name == b"X-Real-IP":
            lines.append(line)
        elif name in (b"Forwarded", b"X-Forwarded-For"):
            lines.append(b"%b: %b, %b" % (name, before, value))
        elif name == b"X-Forwarded-Prefix":
            lines.append(b"%b: %b%b" % (name, before.rstrip(b"/"), value))
        else:
            lines.append(b"%b: %b\r\n" % (name, before))
    if not prefix and (before := given.get(b"x-forwarded-prefix")):
        lines.append(b"X-Forwarded-Prefix: %b\r\n" % before)
    return b"".join(lines)
