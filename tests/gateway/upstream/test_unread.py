import asyncio
import socket

import pytest

from devgate.gateway.upstream.unread import has_input, last_words
from tests.deadline import DEADLINE_S
from tests.upstreams import Peer, scripted


async def connect(port: int) -> asyncio.Transport:
    """A connection that does not read."""
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, "127.0.0.1", port)
    transport.pause_reading()
    return transport


async def arrived(transport: asyncio.Transport) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not has_input(transport):
            await asyncio.sleep(0.001)


async def test_a_quiet_connection_has_no_input() -> None:
    async def script(peer: Peer) -> None:
        await peer.rest()

    async with scripted(script) as upstream:
        transport = await connect(upstream.port)
        assert not has_input(transport)
        assert last_words(transport, 100) == b""
        transport.close()
        await asyncio.sleep(0)
        assert has_input(transport)
        assert last_words(transport, 100) == b""


async def test_the_end_is_input() -> None:
    async def script(peer: Peer) -> None:
        peer.end()
        await peer.rest()

    async with scripted(script) as upstream:
        transport = await connect(upstream.port)
        await arrived(transport)
        assert last_words(transport, 100) == b""
        transport.close()


async def test_not_more_than_the_limit() -> None:
    async def script(peer: Peer) -> None:
        peer.send(b"hello")
        await peer.rest()

    async with scripted(script) as upstream:
        transport = await connect(upstream.port)
        await arrived(transport)
        assert last_words(transport, 3) == b"hel"
        assert last_words(transport, 3) == b"lo"
        transport.close()


async def test_the_socket_stays_usable() -> None:
    async def script(peer: Peer) -> None:
        peer.send(b"hello")
        peer.send(await peer.read(4))
        await peer.rest()

    async with scripted(script) as upstream:
        transport = await connect(upstream.port)
        await arrived(transport)
        assert last_words(transport, 100) == b"hello"
        transport.write(b"ping")
        await arrived(transport)
        assert last_words(transport, 100) == b"ping"
        transport.close()


async def test_what_lies_in_the_socket_after_a_reset() -> None:
    """Linux keeps what came before a RST readable; where it does not, nothing is found and nothing raised."""

    async def script(peer: Peer) -> None:
        peer.send(b"refused")
        await peer.flush()
        peer.reset()

    async with scripted(script) as upstream:
        transport = await connect(upstream.port)
        await arrived(transport)
        assert last_words(transport, 100) in (b"refused", b"")
        transport.abort()


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no socket pairs of this kind")
async def test_high_descriptors_are_no_problem() -> None:
    """select() would fail above 1023."""
    import fcntl
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2048:
        pytest.skip("no descriptors above 1023 here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    ours, theirs = socket.socketpair()
    high = socket.socket(fileno=fcntl.fcntl(ours.fileno(), fcntl.F_DUPFD, 1500))
    ours.close()
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=high)
    assert not has_input(transport)
    transport.close()
    theirs.close()
    await asyncio.sleep(0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
