"""Compression on the wire: whose answers, for whom, and what becomes of their fields."""

import asyncio
import gzip
import json
import sys
import zlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.gateway.capture import Trace
from devgate.gateway.middleware import codings
from devgate.gateway.middleware.compress import compressed
from devgate.gateway.upstream.response import Framing, ResponseHead
from devgate.model.middleware import CompressSpec
from tests.deadline import DEADLINE_S
from tests.gateway.harness import Answer, gateway
from tests.upstreams import Peer, answering, scripted

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

pytestmark = pytest.mark.usefixtures("nothing_left")

TEXT = json.dumps([{"id": number, "name": f"name {number}"} for number in range(20_000)]).encode()
SO_FAR: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: zlib.decompressobj(31).decompress(data),
    "br": lambda data: brotli.Decompressor().process(data),
    "zstd": lambda data: zstd.ZstdDecompressor().decompress(data),
}
"""Of a body that goes on."""
UNPACKED = {"gzip": gzip.decompress, "br": brotli.decompress, "zstd": zstd.decompress}
ROUTES = [{"path": "/*", "compress": True}]
JSON = "Content-Type: application/json"


def whole(*lines: str, body: bytes = TEXT, status: str = "200 OK") -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines, "", ""])
    return head.encode() + body


async def asked(answer: bytes, *, method: str = "GET", accept: str = "gzip, br", **headers: str) -> Answer:
    sent = answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if method == "HEAD" else answer
    async with scripted(answering(sent)) as service, gateway({"a": service}, routes=ROUTES) as bench:
        return await bench.get(method=method, accept_encoding=accept, **headers)


class Heard:
    """A sink that remembers, in place of the relay."""

    def __init__(self, coding: str) -> None:
        self.body = b""
        self.flushed: list[bytes] = []
        self.exchange = SimpleNamespace(raw_headers=[(b"Accept-Encoding", coding.encode())], traced=Trace)

    def on_head(self, head: ResponseHead) -> None:
        self.head = head

    def on_body(self, data: bytes) -> None:
        assert data, "an empty chunk would be the last one"
        self.body += data

    def on_flush(self) -> None:
        self.flushed.append(self.body)

    def on_complete(self, *, garbage_after_body: bool) -> None:
        self.complete = True


@given(
    st.lists(st.one_of(st.binary(min_size=1, max_size=3000), st.none())),
    st.sampled_from([Framing.CHUNKED, Framing.EOF]),
    st.sampled_from(["gzip", "br", "zstd"]),
)
def test_however_it_is_cut_into_pieces(pieces: list[bytes | None], framing: Framing, coding: str) -> None:
    """None is the end of a batch: all that came before can be read then."""
    heard: Any = Heard(coding)
    sink = compressed(CompressSpec())(heard, heard)
    sink.on_head(ResponseHead("1.1", 200, b"OK", [(b"content-type", b"text/plain")], framing, None, keep=True))
    sent = b""
    for piece in pieces:
        if piece is not None:
            sent += piece
            sink.on_body(piece)
        else:
            sink.on_flush()
            assert SO_FAR[coding](heard.flushed[-1]) == sent
    sink.on_complete(garbage_after_body=False)
    assert UNPACKED[coding](heard.body) == sent
    assert heard.head.framing is Framing.CHUNKED


def test_what_is_not_installed_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codings, "installed", lambda: frozenset({"gzip"}))
    assert codings.offered(("br", "gzip", "zstd")) == ("gzip",)
    assert codings.offered(("br",)) == ()


async def test_smaller_and_the_same() -> None:
    answer = await asked(whole(JSON, 'ETag: "a"', "Accept-Ranges: bytes", "Vary: Origin"))
    assert answer["content-encoding"] == "gzip"
    assert answer["transfer-encoding"] == "chunked"
    assert len(answer.body) < len(TEXT) / 4
    assert gzip.decompress(answer.body) == TEXT
    assert answer["etag"] == 'W/"a"'
    assert not {"content-length", "accept-ranges"} & {name.decode() for name, _ in answer.fields}
    assert "Accept-Encoding" in ", ".join(answer.all("vary"))


async def test_what_the_client_likes_best_is_used() -> None:
    for accept, coding in (
        ("gzip;q=0.5, br", "br"),
        ("zstd, gzip;q=0.5", "zstd"),
        ("gzip, br, zstd", "gzip"),
        ("br", "br"),
    ):
        answer = await asked(whole(JSON), accept=accept)
        assert answer["content-encoding"] == coding
        assert UNPACKED[coding](answer.body) == TEXT


async def test_as_it_is_for_who_does_not_take_it() -> None:
    for accept in ("identity", "gzip;q=0", "deflate"):
        answer = await asked(whole(JSON, 'ETag: "a"'), accept=accept)
        assert answer.body == TEXT
        assert answer["etag"] == '"a"'
        assert "Accept-Encoding" in ", ".join(answer.all("vary"))


@pytest.mark.parametrize(
    "answer",
    [
        whole("Content-Type: image/png"),
        whole(JSON, "Content-Encoding: br"),
        whole(JSON, "Cache-Control: public, no-transform"),
        whole(JSON, body=b"[]" * 500),
        whole(JSON, "Content-Range: bytes 0-1/2", status="206 Partial Content"),
        whole(JSON, "Content-Digest: sha-256=:x:"),
        whole("X-Type: none"),
        whole("Content-Type: application/grpc-web+json"),
    ],
    ids=["type", "encoded", "no-transform", "tiny", "206", "digest", "no type", "grpc"],
)
async def test_left_alone(answer: bytes) -> None:
    found = await asked(answer)
    assert found.body == answer.partition(b"\r\n\r\n")[2]
    assert found.all("content-encoding") in ([], ["br"])
    assert "Accept-Encoding" not in ", ".join(found.all("vary"))


async def test_head_tells_what_get_would() -> None:
    answer = await asked(whole(JSON, 'ETag: "a"'), method="HEAD")
    assert (answer["content-encoding"], answer["etag"]) == ("gzip", 'W/"a"')
    assert "content-length" not in answer


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_answers_without_a_body(status: str) -> None:
    answer = await asked(f'HTTP/1.1 {status}\r\n{JSON}\r\nETag: "a"\r\n\r\n'.encode())
    assert "content-encoding" not in answer


async def test_an_old_client_gets_it_to_the_end_of_the_connection() -> None:
    async with scripted(answering(whole(JSON))) as service, gateway({"a": service}, routes=ROUTES) as bench:
        client = await bench.connect()
        client.send(b"GET / HTTP/1.0\r\nHost: %b\r\nAccept-Encoding: gzip\r\n\r\n" % bench.host)
        head, _, body = (await client.closed()).partition(b"\r\n\r\n")
        assert b"Transfer-Encoding" not in head
        assert gzip.decompress(body) == TEXT


async def test_what_comes_piece_by_piece_leaves_piece_by_piece() -> None:
    go_on = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")
        peer.send(b'5\r\n{"a"}'[:8] + b"\r\n")
        await go_on.wait()
        peer.send(b"4\r\nmore\r\n0\r\n\r\n")
        await peer.rest()

    async with scripted(script) as service, gateway({"a": service}, routes=ROUTES) as bench:
        client = await bench.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: %b\r\nAccept-Encoding: gzip\r\n\r\n" % bench.host)
        assert (b"content-encoding", b"gzip") in (await client.head())[2]
        unzip, text = zlib.decompressobj(31), b""
        async with asyncio.timeout(DEADLINE_S):
            while size := int(await client.reader.readuntil(b"\r\n"), 16):
                text += unzip.decompress((await client.reader.readexactly(size + 2))[:-2])
                if text == b'{"a"}':
                    go_on.set()
        assert text == b'{"a"}more'
        assert unzip.eof


async def test_event_streams_are_never_compressed() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        await peer.rest()

    async with scripted(script) as service, gateway({"a": service}, routes=ROUTES) as bench:
        client = await bench.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: %b\r\nAccept-Encoding: gzip\r\n\r\n" % bench.host)
        fields = dict((await client.head())[2])
        assert b"content-encoding" not in fields


async def test_a_broken_answer_is_not_made_whole() -> None:
    """Whoever undoes the coding finds no end, nor does who counts chunks."""

    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(TEXT)}\r\n{JSON}\r\n\r\n".encode() + TEXT[:100_000])
        await peer.flush()
        peer.reset()

    async with scripted(script) as service, gateway({"a": service}, routes=ROUTES) as bench:
        client = await bench.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: %b\r\nAccept-Encoding: gzip\r\n\r\n" % bench.host)
        assert not (await client.closed()).endswith(b"0\r\n\r\n")
