"""What `conftest.py` promises to every test."""

from __future__ import annotations

import asyncio
import gc
import socket

import pytest


@pytest.mark.parametrize("turns", range(6))
async def test_a_connection_that_comes_while_its_server_closes_is_closed(turns: int) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    with socket.create_connection(server.sockets[0].getsockname()):
        for _ in range(turns):
            await asyncio.sleep(0)
        server.close()
    await asyncio.sleep(0.01)
    gc.collect()  # what was forgotten warns, and that is an error
