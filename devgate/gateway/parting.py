"""Breaking a connection so that the other end notices at once (RST), and not before it has got what was written."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from typing import Final

PATIENCE_S: Final = 5.0
"""How long the other end may take to get the last bytes."""
LOOK_S: Final = 0.005
_LINGER: Final = "hh" if sys.platform == "win32" else "ii"
"""How C writes a `struct linger`."""


async def reset(wire: asyncio.Transport) -> None:
    """Break the connection. The last bytes are waited for, because a reset destroys what has not arrived."""
    for _ in range(round(PATIENCE_S / LOOK_S)):
        if wire.is_closing() or not _unsent(wire):
            break
        await asyncio.sleep(LOOK_S)
    if not wire.is_closing():
        # By a socket of its own for the same connection: not every loop's transport lets one set an option.
        number = wire.get_extra_info("socket").fileno()
        with socket.fromfd(number, socket.AF_INET, socket.SOCK_STREAM) as same:
            same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(_LINGER, 1, 0))
        wire.abort()


def _unsent(wire: asyncio.Transport) -> int:
    """Bytes that have not arrived yet, as far as this system tells."""
    size = wire.get_write_buffer_size()
    if not size and sys.platform != "win32":
        import fcntl
        import termios

        size = struct.unpack("i", fcntl.ioctl(wire.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4)))[0]
    return size
