"""Real sockets throughout. Certificates are made on the spot."""

import asyncio
import datetime
import gc
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from devgate.gateway.upstream import dial as dialling
from devgate.gateway.upstream.dial import LOOPBACK_TIMEOUT_S, REMOTE_TIMEOUT_S, Origin, dial
from devgate.gateway.upstream.errors import Kind, Stage, UpstreamError
from devgate.resolver import Whereabouts
from tests.deadline import DEADLINE_S
from tests.upstreams import Peer, free_port, resolving, scripted


class Plain(asyncio.Protocol):
    """The least of all protocols."""

    def __init__(self) -> None:
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(exc)

    @property
    def peer(self) -> str:
        return str(self.transport.get_extra_info("peername")[0])

    async def close(self) -> None:
        self.transport.close()
        await self.lost


async def wait(peer: Peer) -> None:
    await peer.rest()


async def refused(origin: Origin, **options: object) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await dial(origin, Plain, **options)  # type: ignore[arg-type]
    assert caught.value.stage is Stage.CONNECT
    assert not caught.value.sent_any
    return caught.value


has_ipv6 = pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="no IPv6 on this machine")


@asynccontextmanager
async def deaf() -> AsyncIterator[int]:
    """A port that neither accepts nor refuses: its queue is full."""
    loop = asyncio.get_running_loop()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = []
        for _ in range(8):
            filler = socket.socket()
            filler.setblocking(False)
            fillers.append(filler)
            try:
                async with asyncio.timeout(0.1):
                    await loop.sock_connect(filler, ("127.0.0.1", port))
            except TimeoutError:
                break
        try:
            yield port
        finally:
            for filler in fillers:
                filler.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST.", "app.localhost"])
async def test_names_of_this_machine(host: str) -> None:
    async with scripted(wait) as upstream:
        protocol = await dial(Origin("http", host, upstream.port), Plain)
        assert protocol.peer == "127.0.0.1"
        sock = protocol.transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        await protocol.close()


@has_ipv6
@pytest.mark.parametrize("host", ["localhost", "::1"])
async def test_a_service_on_ipv6_only(host: str) -> None:
    async with scripted(wait, host="::1") as upstream:
        protocol = await dial(Origin("http", host, upstream.port), Plain)
        assert protocol.peer == "::1"
        await protocol.close()


@has_ipv6
async def test_an_address_that_does_not_answer_holds_up_the_other_one_only_shortly() -> None:
    async with deaf() as port, scripted(wait, host="::1", port=port):
        protocol = await dial(Origin("http", "localhost", port), Plain)
        assert protocol.peer == "::1"
        await protocol.close()
    gc.collect()  # the socket that lost the race would warn


@pytest.mark.parametrize("cancelled", [False, True])
async def test_two_that_connect_at_the_same_moment(cancelled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them is used, the other one closed; both, where nobody wants any more."""
    go = asyncio.Event()
    pairs = [socket.socketpair() for _ in range(2)]
    left = [ours for ours, _ in pairs]

    async def connect(target: object) -> socket.socket:
        await go.wait()
        return left.pop()

    monkeypatch.setattr(dialling, "_connect", connect)
    monkeypatch.setattr(dialling, "STAGGER_S", 0.0)
    both = [Whereabouts(socket.AF_INET, "127.0.0.1", 1), Whereabouts(socket.AF_INET6, "::1", 1)]
    task = asyncio.create_task(dialling._race(both))
    for _ in range(10):
        await asyncio.sleep(0)
    go.set()
    if cancelled:
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        (await task).close()
    assert left == []
    assert [ours.fileno() for ours, _ in pairs] == [-1, -1]
    for _, theirs in pairs:
        theirs.close()


async def test_nobody_listens() -> None:
    port = free_port()
    for host in ("127.0.0.1", "localhost"):
        error = await refused(Origin("http", host, port))
        assert error.kind is Kind.CONNECT_REFUSED
        assert f"{host}:{port}" in error.message


async def test_a_service_that_does_not_answer_the_dialling() -> None:
    async with deaf() as port:
        for host in ("127.0.0.1", "localhost"):
            error = await refused(Origin("http", host, port), timeout_s=0.05)
            assert error.kind is Kind.CONNECT_TIMEOUT
    gc.collect()


async def test_cancelling_leaves_no_socket() -> None:
    async with deaf() as port:
        for host in ("127.0.0.1", "localhost"):
            task = asyncio.create_task(dial(Origin("http", host, port), Plain))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
    gc.collect()


def test_how_long_dialling_may_take() -> None:
    for host in ("localhost", "127.9.9.9", "::1", "a.localhost"):
        assert Origin("http", host, 80).connect_timeout_s == LOOPBACK_TIMEOUT_S
    for host in ("example.com", "10.0.0.1", "localhost.example.com"):
        assert Origin("http", host, 80).connect_timeout_s == REMOTE_TIMEOUT_S


@pytest.mark.parametrize("host", ["no-such-name.invalid", "a..b", "x" * 70 + ".invalid", "nul\0name"])
async def test_names_that_lead_nowhere(host: str) -> None:
    error = await refused(Origin("http", host, 80))
    assert error.kind is Kind.DNS


async def test_a_name_is_resolved_and_its_addresses_tried_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted(wait) as upstream:
        resolving(monkeypatch, "127.0.0.2", "127.0.0.1")
        protocol = await dial(Origin("http", "service.test", upstream.port), Plain)
        assert protocol.peer == "127.0.0.1"  # nobody listens on the first one
        await protocol.close()


@pytest.mark.parametrize("address", ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "fe80::1%lo", "febf::1"])
async def test_link_local_addresses_are_never_dialled(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect(target: object) -> socket.socket:
        raise AssertionError(target)

    monkeypatch.setattr(dialling, "_connect", connect)
    error = await refused(Origin("http", address, 80))
    assert error.kind is Kind.PROHIBITED


async def test_a_name_that_leads_out_of_the_private_networks_needs_the_users_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def connect(target: Whereabouts) -> socket.socket:
        dialled.append(target.host)
        raise ConnectionRefusedError

    dialled: list[str] = []
    monkeypatch.setattr(dialling, "_connect", connect)
    resolving(monkeypatch, "8.8.8.8", "169.254.169.254")
    error = await refused(Origin("http", "service.test", 80))
    assert (error.kind, dialled) == (Kind.PROHIBITED, [])
    error = await refused(Origin("http", "service.test", 80, remote=True))
    assert (error.kind, dialled) == (Kind.CONNECT_REFUSED, ["8.8.8.8"])


async def test_each_address_of_a_name_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted(wait) as upstream:
        resolving(monkeypatch, "8.8.8.8", "127.0.0.1")
        protocol = await dial(Origin("http", "service.test", upstream.port), Plain)
        assert protocol.peer == "127.0.0.1"
        await protocol.close()


async def test_no_descriptor_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object) -> socket.socket:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(dialling.socket, "socket", nothing)
    error = await refused(Origin("http", "127.0.0.1", 80))
    assert error.kind is Kind.OVERLOADED


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate for `localhost`, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "devgate test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_tls(certificate: Path) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    async with scripted(wait, tls=server_side(certificate)) as upstream:
        protocol = await dial(Origin("https", "localhost", upstream.port), Plain, tls=trusting)
        assert protocol.transport.get_extra_info("sslcontext") is trusting
        await protocol.close()


async def test_tls_with_somebody_unknown(certificate: Path) -> None:
    async with scripted(wait, tls=server_side(certificate)) as upstream:
        error = await refused(Origin("https", "localhost", upstream.port), tls=ssl.create_default_context())
        assert error.kind is Kind.TLS
        assert "self-signed" in error.message.replace(" ", "-")


async def test_tls_with_a_name_that_is_not_in_the_certificate(certificate: Path) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    async with scripted(wait, tls=server_side(certificate)) as upstream:
        error = await refused(Origin("https", "127.0.0.1", upstream.port), tls=trusting)
        assert error.kind is Kind.TLS
        assert "127.0.0.1" in error.message


async def test_tls_with_a_service_that_speaks_plain_http() -> None:
    async def script(peer: Peer) -> None:
        await peer.read(1)
        peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await peer.rest()

    async with scripted(script) as upstream:
        error = await refused(Origin("https", "localhost", upstream.port), tls=ssl.create_default_context())
        assert error.kind is Kind.TLS


async def test_tls_with_a_service_that_hangs() -> None:
    async with scripted(wait) as upstream:
        error = await refused(
            Origin("https", "localhost", upstream.port), tls=ssl.create_default_context(), timeout_s=0.1
        )
        assert error.kind is Kind.CONNECT_TIMEOUT
        async with asyncio.timeout(DEADLINE_S):
            while not upstream.peers:
                await asyncio.sleep(0)
