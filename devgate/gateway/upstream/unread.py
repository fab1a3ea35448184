"""What lies in a transport's socket that the event loop has not read: asked directly, because asyncio does not tell."""

from __future__ import annotations

import select
import socket
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio


def has_input(transport: asyncio.BaseTransport) -> bool:
    """Whether a read would not wait: there are bytes, or the peer has closed. True for a socket that is closed on our side."""
    descriptor = _descriptor(transport)
    if descriptor < 0:
        return True
    if sys.platform == "win32":
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()  # not select: descriptors may be above 1023
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def last_words(transport: asyncio.BaseTransport, limit: int) -> bytes:
    """What the peer had said when a write to it failed.

    A service that refuses an upload answers (413) and closes; our next write fails, and asyncio drops the connection with the
    answer unread. It is still there when `connection_lost` is called. Whether the peer ended properly cannot be told: on Linux
    the reset is reported once, then the socket reads as ended. Nothing for TLS, where it holds ciphertext.
    """
    descriptor = _descriptor(transport)
    if descriptor < 0 or transport.get_extra_info("sslcontext") is not None:
        return b""
    sock = socket.socket(fileno=descriptor)
    parts: list[bytes] = []
    try:
        sock.setblocking(False)
        while limit > 0 and (part := sock.recv(limit)):
            parts.append(part)
            limit -= len(part)
    except OSError:
        pass  # nothing more, or the reset itself
    finally:
        sock.detach()
    return b"".join(parts)


def _descriptor(transport: asyncio.BaseTransport) -> int:
    """-1 where the socket is closed."""
    sock = transport.get_extra_info("socket")
    return -1 if sock is None else int(sock.fileno())
