"""A connection that is broken at once, and not before all has arrived."""

import asyncio

from devgate.gateway import parting
from tests.deadline import DEADLINE_S


async def test_all_that_was_written_arrives_and_then_a_reset() -> None:
    parted = asyncio.Event()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * 8_000_000)  # more than the kernel takes at once
        await parting.reset(writer.transport)  # type: ignore[arg-type]
        parted.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, asyncio.timeout(DEADLINE_S):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname(), limit=2**24)
        got = 0
        try:
            while part := await reader.read(2**16):
                got += len(part)
        except ConnectionResetError:
            writer.close()
        else:
            raise AssertionError("it has ended in order")
        assert got == 8_000_000
        await parted.wait()


async def test_who_does_not_take_the_last_bytes_is_not_waited_for_for_ever(monkeypatch) -> None:
    monkeypatch.setattr(parting, "PATIENCE_S", 0.05)
    parted = asyncio.Event()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * 50_000_000)
        await parting.reset(writer.transport)  # type: ignore[arg-type]
        assert writer.transport.is_closing()
        await parting.reset(writer.transport)  # type: ignore[arg-type]
        parted.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, asyncio.timeout(DEADLINE_S):
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        await parted.wait()
        writer.transport.abort()
