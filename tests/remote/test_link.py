"""The wire under `RemoteControl`: every way in which an answer can fail to come."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from devgate.errors import CommandError, DevgateError, Exit
from devgate.model.plan import Reason
from devgate.remote.link import Link, LoopbackHttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def answering(answer: bytes | None) -> AsyncIterator[tuple[Link, list[bytes]]]:
    """A server that reads a head and sends `answer` (None: nothing, for ever), and what it was asked."""
    heads: list[bytes] = []
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        if answer is None:
            await over.wait()
        else:
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield Link(LoopbackHttp(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "tok")), heads
    finally:
        over.set()
        server.close()
        await server.wait_closed()


def reply(body: bytes, status: str = "200 OK", *, length: int | None = None) -> bytes:
    return (
        f"HTTP/1.1 {status}\r\nX: y\r\ncontent-length: {len(body) if length is None else length}\r\n\r\n".encode()
        + body
    )


async def refusal(answer: bytes | None, timeout_s: float = 20.0) -> DevgateError:
    async with answering(answer) as (link, _):
        with pytest.raises(DevgateError) as raised:
            await link.get(Reason, "/x", {}, timeout_s)
    return raised.value


async def test_asks_with_token_and_query() -> None:
    async with answering(reply(b'{"service": "a", "keys": ["b"]}')) as (link, heads):
        assert await link.get(Reason, "/x", {"a": ["1", "2"], "b": "c&d=e \udcff"}) == Reason("a", ("b",))
    first, *lines = heads[0].decode().split("\r\n")
    assert first == "GET /x?a=1&a=2&b=c%26d%3De+%3F HTTP/1.0"
    assert "Authorization: Bearer tok" in lines


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        reply(b"{}", length=50),
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
)
async def test_no_whole_answer_is_a_lost_connection(answer: bytes) -> None:
    error = await refusal(answer)
    assert error.code == "connection-lost"
    assert error.exit_code == Exit.NOT_RUNNING


async def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but not listening
        link = Link(LoopbackHttp(f"http://127.0.0.1:{taken.getsockname()[1]}", "t"))
        with pytest.raises(CommandError, match="not running") as raised:
            await link.ask("GET", "/")
    assert raised.value.code == "not-running"
    assert raised.value.exit_code == Exit.NOT_RUNNING
    assert "devgate up" in raised.value.hint


async def test_an_answer_that_does_not_come_in_time() -> None:
    error = await refusal(None, timeout_s=0.05)
    assert error.code == "no-answer"
    assert error.exit_code == Exit.TIMEOUT


@pytest.mark.parametrize("body", [b"nonsense", b"[]", b'{"service": 1}', b"null", b"", b"\xff"])
async def test_an_answer_in_another_language(body: bytes) -> None:
    assert (await refusal(reply(body))).code == "strange-answer"


@pytest.mark.parametrize("body", [b"", b"[]", b'{"detail": null, "hint": 5, "code": [], "exit_code": "x"}'])
async def test_a_refusal_without_words(body: bytes) -> None:
    error = await refusal(reply(body, "503 Service Unavailable"))
    assert error.status == 503
    assert error.exit_code == Exit.SERVICE_FAILED
    assert "503" in error.message
