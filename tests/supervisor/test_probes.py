"""Single looks at real sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from devgate.clock import SystemClock
from devgate.resolver import LOOPBACKS
from devgate.supervisor import probes
from devgate.supervisor.probes import LogWatch, Target, target_of
from tests.deadline import DEADLINE_S
from tests.upstreams import resolving

CLOCK = SystemClock()
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(answer: Answer, host: str = "127.0.0.1") -> AsyncIterator[int]:
    accepted: asyncio.Queue[asyncio.Task[None]] = asyncio.Queue()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accepted.put(asyncio.current_task())
        await answer(reader, writer)
        with suppress(ConnectionError):
            await writer.wait_closed()

    listener = await asyncio.start_server(accept, host, 0)
    async with listener, asyncio.timeout(DEADLINE_S):
        yield listener.sockets[0].getsockname()[1]
        await (await accepted.get())


def replying(head: str, body: bytes = b"") -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        except asyncio.IncompleteReadError:  # a TCP probe says nothing
            pass
        writer.close()

    return answer


async def look(head: str, body: bytes = b"", *, path: str = "/health") -> probes.ProbeResult:
    async with server(replying(head, body)) as port:
        return await probes.http(Target(LOOPBACKS, port, path), 5.0, CLOCK)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.mark.parametrize("status", [200, 204, 301, 399])
async def test_two_and_three_hundreds_are_good(status: int) -> None:
    result = await look(f"HTTP/1.1 {status} X\nContent-Length: 0")
    assert (result.ok, result.detail, result.host) == (True, "", "127.0.0.1")


@pytest.mark.parametrize("status", [400, 404, 500, 503])
async def test_everything_else_is_not(status: int) -> None:
    result = await look(f"HTTP/1.1 {status} X\nContent-Length: 0")
    assert (result.ok, result.detail) == (False, f"answers {status}")


@pytest.mark.parametrize(
    ("body", "ok", "degraded"),
    [
        (b'{"status": "healthy"}', True, False),
        (b'{"status": "UP"}', True, False),
        (b'{"status": "warn"}', True, True),
        (b'{"status": "unhealthy"}', False, False),
        (b'{"status": "something else"}', True, False),
        (b'{"status": 3}', True, False),
        (b'["down"]', True, False),
        (b"not json", True, False),
        (b"{" * 5000, True, False),
    ],
)
async def test_listens_to_what_the_body_says(body: bytes, ok: bool, degraded: bool) -> None:
    result = await look(f"HTTP/1.1 200 OK\nContent-Length: {len(body)}", body)
    assert (result.ok, result.degraded) == (ok, degraded)


async def test_listens_to_a_body_in_chunks() -> None:
    body = b'{"status":"degraded"}'
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    assert (await look("HTTP/1.1 200 OK\nTransfer-Encoding: chunked", chunked)).degraded


async def test_a_body_without_end_is_not_read_to_its_end() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b'{"status":"unhealthy"} ' * 1000)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async with server(endless) as port:
        result = await probes.http(Target(LOOPBACKS, port), 5.0, CLOCK)
    assert result.ok


async def test_what_is_no_http_is_said() -> None:
    result = await look("SSH-2.0-OpenSSH_9")
    assert (result.ok, result.detail) == (False, "what answers does not speak HTTP")
    result = await look("", b"")
    assert not result.ok


async def test_a_connection_that_ends_early_is_said() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with server(hang_up) as port:
        result = await probes.http(Target(LOOPBACKS, port), 5.0, CLOCK)
    assert (result.ok, result.detail) == (False, "the connection ended without an answer")


async def test_silence_is_a_timeout_and_no_refusal() -> None:
    released = asyncio.Event()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await released.wait()
        writer.close()

    async with server(silent) as port:
        result = await probes.http(Target(LOOPBACKS, port), 0.05, CLOCK)
        released.set()
    assert (result.ok, result.refused, result.detail) == (False, False, "no answer within 0.05 s")


async def test_nobody_there_is_a_refusal(free_port: int) -> None:
    for probe in (probes.http, probes.tcp):
        result = await probe(Target(LOOPBACKS, free_port), 5.0, CLOCK)
        assert (result.ok, result.refused, result.detail) == (False, True, "refuses connections")


async def test_asks_the_other_loopback_too() -> None:
    async with server(replying("HTTP/1.1 200 OK\nContent-Length: 0"), "::1") as port:
        assert (await probes.http(Target(LOOPBACKS, port), 5.0, CLOCK)).host == "::1"
    async with server(replying(""), "::1") as port:
        result = await probes.tcp(Target(LOOPBACKS, port), 5.0, CLOCK)
        assert (result.ok, result.host) == (True, "::1")


async def test_sends_the_path_with_its_query() -> None:
    heads = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 N\r\n\r\n")
        writer.close()

    async with server(note) as port:
        assert (await probes.http(Target(LOOPBACKS, port, "/a/b?c=d"), 5.0, CLOCK)).ok
        assert heads[0].startswith(b"GET /a/b?c=d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % port)


async def test_a_name_that_leads_to_a_cloud_s_metadata_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect(*args: object, **options: object) -> None:
        raise AssertionError(args)

    resolving(monkeypatch, "169.254.169.254")
    monkeypatch.setattr(asyncio, "open_connection", connect)
    for probe in (probes.http, probes.tcp):
        result = await probe(target_of("http://service.test"), 5.0, CLOCK)
        assert (result.ok, result.detail) == (False, "service.test is at an address that may not be dialled")


async def test_the_users_word_lets_a_probe_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect(host: str, *args: object, **options: object) -> None:
        raise ConnectionRefusedError(host)

    resolving(monkeypatch, "8.8.8.8")
    monkeypatch.setattr(asyncio, "open_connection", connect)
    assert not (await probes.tcp(target_of("http://service.test"), 5.0, CLOCK)).refused
    assert (await probes.tcp(target_of("http://service.test", remote=True), 5.0, CLOCK)).refused


def test_reads_addresses() -> None:
    assert target_of("http://localhost:7700/x?y") == Target(LOOPBACKS, 7700, "/x?y")
    assert target_of("https://example.test") == Target(("example.test",), 443, "/", tls=True)
    assert target_of("http://[::1]:80") == Target(("::1",), 80)


def test_a_line_is_found_once() -> None:
    watch = LogWatch(r"listening on \d+")
    assert not watch.see(["booting"])
    assert watch.see(["noise", "now listening on 80"])
    assert watch.found
    assert not watch.see(["listening on 80"])
