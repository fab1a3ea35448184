"""The case families of Autobahn's test suite, through the gateway. A relay judges nothing: what a service answers to each case,
and how it ends, has to be the same, byte for byte, with the gateway in between as without it; and what a service sends, however
wrong, has to arrive as it was sent.
"""

import asyncio
import struct
from dataclasses import dataclass

import pytest

from tests.deadline import DEADLINE_S
from tests.gateway.handlers.test_tunnel import SHAKE, SWITCH, echo
from tests.gateway.harness import gateway
from tests.upstreams import Peer, scripted

pytestmark = pytest.mark.usefixtures("nothing_left")

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASK = b"\x12\xa7\x00\xff"


@dataclass(frozen=True)
class Frame:
    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0

    def wire(self, *, masked: bool) -> bytes:
        size = len(self.payload)
        mark = 0x80 if masked else 0
        head = bytes((self.fin << 7 | self.rsv << 4 | self.opcode,))
        if size < 126:
            head += bytes((mark | size,))
        elif size < 65_536:
            head += bytes((mark | 126,)) + struct.pack("!H", size)
        else:
            head += bytes((mark | 127,)) + struct.pack("!Q", size)
        if not masked:
            return head + self.payload
        pad = (MASK * (size // 4 + 1))[:size]
        return head + MASK + (int.from_bytes(self.payload) ^ int.from_bytes(pad)).to_bytes(size)


@dataclass(frozen=True)
class Case:
    name: str
    frames: tuple[Frame, ...]
    chop: int = 0
    """Bytes a write; 0: all at once."""


def text(payload: bytes, *, fin: bool = True) -> Frame:
    return Frame(TEXT, payload, fin)


def more(payload: bytes, *, fin: bool = True) -> Frame:
    return Frame(CONTINUATION, payload, fin)


def close(code: int | None = None, reason: bytes = b"") -> Frame:
    return Frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


def cut(opcode: int, payload: bytes, size: int) -> tuple[Frame, ...]:
    """A message in fragments."""
    pieces = [payload[at : at + size] for at in range(0, len(payload), size)]
    last = len(pieces) - 1
    return tuple(Frame(CONTINUATION if at else opcode, piece, at == last) for at, piece in enumerate(pieces))


HELLO, UTF8, BAD_UTF8 = b"Hello, world!", "Hello-µ@ßöäüàá-UTF-8!!".encode(), b"\xce\xba\xe1\xbd\xb9\xed\xa0\x80edited"
BYE = close(1000)

CASES = [
    *(Case(f"1.{kind}.{size}", (Frame(kind, b"*" * size), BYE)) for kind in (TEXT, BINARY) for size in (0, 125, 126, 127, 128)),
    *(Case(f"1.{kind}.{size}", (Frame(kind, b"*" * size), BYE)) for kind in (TEXT, BINARY) for size in (65_535, 65_536)),
    Case("1.1.8 chopped", (text(b"*" * 65_536), BYE), 997),
    *(Case(f"2.{size} ping", (Frame(PING, b"\xff" * size), BYE)) for size in (0, 5, 125)),
    Case("2.5 ping too long", (Frame(PING, b"*" * 126),)),
    Case("2.6 ping by octets", (Frame(PING, b"\xfe" * 125), BYE), 1),
    Case("2.7 pong nobody asked for", (Frame(PONG), BYE)),
    Case("2.9 pong, ping", (Frame(PONG, b"unsolicited"), Frame(PING, b"our own"), BYE)),
    Case("2.10 ten pings", (*(Frame(PING, b"%d" % number) for number in range(10)), BYE)),
    Case("2.11 ten pings by octets", (*(Frame(PING, b"%d" % number) for number in range(10)), BYE), 1),
    *(Case(f"3.{rsv} reserved bits", (text(HELLO), Frame(TEXT, HELLO, rsv=rsv), Frame(PING))) for rsv in range(1, 8)),
    Case("3.8 reserved bits in a close", (Frame(CLOSE, b"\x03\xe8", rsv=7),)),
    *(Case(f"4.{opcode} reserved opcode", (text(HELLO), Frame(opcode, b"x"), Frame(PING))) for opcode in (3, 4, 5, 6, 7)),
    *(Case(f"4.{opcode} reserved opcode", (text(HELLO), Frame(opcode), Frame(PING))) for opcode in (11, 12, 13, 14, 15)),
    Case("5.1 ping in fragments", (Frame(PING, b"a", fin=False), more(b"b"))),
    Case("5.2 pong in fragments", (Frame(PONG, b"a", fin=False), more(b"b"))),
    Case("5.3 two fragments", (text(b"fragment1", fin=False), more(b"fragment2"), BYE)),
    Case("5.5 two fragments by octets", (text(b"fragment1", fin=False), more(b"fragment2"), BYE), 1),
    Case("5.6 ping between fragments", (text(b"1", fin=False), Frame(PING, b"ping"), more(b"2"), BYE)),
    Case("5.8 the same by octets", (text(b"1", fin=False), Frame(PING, b"ping"), more(b"2"), BYE), 1),
    Case("5.9 nothing to continue", (more(b"non-continuation"), text(HELLO))),
    Case("5.12 nothing to continue, unfinished", (more(b"non-continuation", fin=False), text(HELLO))),
    Case("5.15 a second end", (text(b"1", fin=False), more(b"2"), more(b"3", fin=False), text(b"4"))),
    Case("5.18 a message within another", (text(b"1", fin=False), text(b"2"))),
    Case("5.19 pings between fragments",
         (text(b"1", fin=False), Frame(PING, b"a"), more(b"2", fin=False), Frame(PING, b"b"), more(b"3"), BYE)),
    Case("6.1 nothing in fragments", (text(b"", fin=False), more(b"", fin=False), more(b""), BYE)),
    Case("6.2 UTF-8", (text(UTF8), BYE)),
    Case("6.2 UTF-8 cut within characters", (*cut(TEXT, UTF8, 1), BYE)),
    Case("6.3 no UTF-8", (text(BAD_UTF8),)),
    Case("6.3 no UTF-8 in fragments", cut(TEXT, BAD_UTF8, 1)),
    Case("6.6 an unfinished character", (text(b"\xce"),)),
    Case("6.22 noncharacters", (text("\uffff\U0010ffff".encode()), BYE)),
    Case("7.1.1 close after a message", (text(HELLO), BYE)),
    Case("7.1.2 two closes", (BYE, BYE)),
    Case("7.1.3 ping after close", (BYE, Frame(PING))),
    Case("7.1.4 text after close", (BYE, text(HELLO))),
    Case("7.1.5 close between fragments", (text(b"1", fin=False), BYE, more(b"2"))),
    Case("7.1.6 much, close, ping", (text(HELLO * 20_000), BYE, Frame(PING))),
    Case("7.3.1 close that says nothing", (close(),)),
    Case("7.3.2 close with one byte", (Frame(CLOSE, b"a"),)),
    Case("7.3.4 reason", (close(1000, b"Hello World!"),)),
    Case("7.3.5 the longest reason", (close(1000, b"*" * 123),)),
    Case("7.3.6 a reason too long", (close(1000, b"*" * 124),)),
    Case("7.5.1 reason that is no UTF-8", (close(1000, BAD_UTF8),)),
    *(Case(f"7.7 {code}", (close(code, b"why"),))
      for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 3000, 3999, 4000, 4999)),
    *(Case(f"7.9 {code}", (close(code),)) for code in (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535)),
    Case("9.1 4 MiB of text", (text(b"*" * 2**22), BYE)),
    Case("9.2 4 MiB", (Frame(BINARY, b"\xfe" * 2**22), BYE)),
    Case("9.4 4 MiB in small fragments", (*cut(BINARY, b"\xfe" * 2**20, 256), BYE)),
    Case("9.4 4 MiB in fragments", (*cut(BINARY, b"\xfe" * 2**22, 65_536), BYE)),
    Case("9.6 1 MiB in small writes", (Frame(BINARY, b"\xfe" * 2**20), BYE), 1024),
    Case("9.7 a thousand small messages", (*(text(b"%d" % number) for number in range(1000)), BYE)),
    Case("10.1 many fragments", (*cut(TEXT, b"*" * 65_536, 1300), BYE)),
]  # fmt: skip


def ids(case: Case) -> str:
    return case.name


def writes(case: Case, *, masked: bool) -> list[bytes]:
    wire = b"".join(frame.wire(masked=masked) for frame in case.frames)
    size = case.chop or len(wire)
    return [wire[at : at + size] for at in range(0, len(wire), size)]


async def told(port: int, case: Case) -> bytes:
    """What somebody hears, after the handshake until the end, who plays `case` at `port`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
    heard = bytearray()
    try:
        async with asyncio.timeout(DEADLINE_S):
            writer.write((SHAKE % b"").replace(b"HOST", b"127.0.0.1:%d" % port))
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")

            async def play() -> None:
                for piece in writes(case, masked=True):
                    writer.write(piece)
                    await asyncio.sleep(0)

            playing = asyncio.create_task(play())
            try:
                while data := await reader.read(2**16):
                    heard += data
            except ConnectionError:
                pass
            await playing
    finally:
        writer.transport.abort()
    return bytes(heard)


@pytest.mark.parametrize("case", CASES, ids=ids)
async def test_a_service_answers_and_ends_as_if_nobody_stood_between(case: Case):
    async with echo() as service, gateway({"a": service}) as bench:
        straight = await told(service.port, case)
        through = await told(bench.port, case)
        assert through == straight
        assert straight, "there was something to compare"
        await bench.until(lambda: len(service.peers) == 2)
        assert service.peers[0] == service.peers[1], "the service takes the end for another one"


@pytest.mark.parametrize("case", CASES, ids=ids)
async def test_a_page_hears_what_its_service_says(case: Case):
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(SWITCH + b"\r\n")
        for piece in writes(case, masked=False):
            peer.send(piece)
            await asyncio.sleep(0)
        await peer.flush()
        peer.end()
        await peer.rest()

    async with scripted(script) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send((SHAKE % b"").replace(b"HOST", bench.host))
        assert (await client.answer()).status == 101
        assert await client.closed() == b"".join(writes(case, masked=False))


@pytest.mark.parametrize("reset", [True, False])
async def test_the_last_word_of_a_service_arrives_although_the_page_goes_on_talking(reset: bool):
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(SWITCH + b"\r\n")
        peer.stop_reading()
        await peer.flush()
        await talking.wait()
        peer.send(close(1009, b"too much").wire(masked=False))
        await peer.flush()
        if reset:
            peer.reset()

    talking = asyncio.Event()
    async with scripted(script) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send((SHAKE % b"").replace(b"HOST", bench.host))
        assert (await client.answer()).status == 101
        for _ in range(64):
            client.send(Frame(BINARY, b"x" * 65_536).wire(masked=True))
        await bench.until(lambda: client.writer.transport.get_write_buffer_size() > 0)
        talking.set()
        assert await client.closed() == close(1009, b"too much").wire(masked=False)


async def test_nothing_follows_a_goodbye_of_the_gateway():
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.send(SWITCH + b"\r\n")
        frame = await peer.read(2)
        frame += await peer.read(4 + (frame[1] & 0x7F))
        assert frame[0] == 0x80 | CLOSE
        peer.send(text(b"too late").wire(masked=False) + close(1012).wire(masked=False))
        await answered.wait()
        await asyncio.sleep(0.05)
        peer.end()
        rest.append(await peer.rest())

    answered, rest = asyncio.Event(), list[bytes]()
    async with scripted(script) as service, gateway({"a": service}) as bench:
        client = await bench.connect()
        client.send((SHAKE % b"").replace(b"HOST", bench.host))
        await client.answer()
        draining = asyncio.create_task(bench.directory.drain(bench.entry().instances[0], DEADLINE_S))
        async with asyncio.timeout(DEADLINE_S):
            head = await client.reader.readexactly(2)
            assert head[0] == 0x80 | CLOSE
            await client.reader.readexactly(head[1])
        client.send(text(b"crossed it").wire(masked=True) + close(1012).wire(masked=True))
        answered.set()
        assert await client.closed() == b""
        await bench.until(lambda: rest)
        assert rest == [b""], "the service has been told goodbye already"
        assert await draining == 0
