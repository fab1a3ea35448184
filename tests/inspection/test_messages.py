"""Event streams and WebSockets as messages."""

import struct
import zlib

from hypothesis import given
from hypothesis import strategies as st

from devgate.inspection.messages import MOST, events, frames

SECRET = "hunter2-hunter2-hunter2"


def frame(payload: bytes, code: int = 1, *, last: bool = True, mask: bytes = b"", packed: bool = False) -> bytes:
    head = bytes([(0x80 if last else 0) | (0x40 if packed else 0) | code])
    masked = 0x80 if mask else 0
    size = len(payload)
    if size < 126:
        head += bytes([masked | size])
    elif size < 65536:
        head += bytes([masked | 126]) + struct.pack("!H", size)
    else:
        head += bytes([masked | 127]) + struct.pack("!Q", size)
    return head + mask + (bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)) if mask else payload)


def test_events():
    found = events(b': hi\nevent: note\nid: 7\ndata: {"a": 1}\ndata: x\n\ndata: two\r\n\r\nretry: 9\n\ndata: not whole')
    assert [(one.kind, one.name, one.id, one.text) for one in found] == [
        ("comment", "", "", "hi"),
        ("event", "note", "7", '{"a": 1}\nx'),
        ("event", "", "", "two"),
    ]


def test_events_hide_secrets():
    assert SECRET not in repr(events(f'data: {{"token": "{SECRET}"}}\n\nid: token={SECRET}\ndata: x\n\n'.encode()))


def test_messages_of_both_sides_in_order():
    found = frames(
        [
            (True, frame(b"hello", mask=b"abcd")),
            (False, frame(b"wor", last=False) + frame(b"ping", 9)),
            (False, frame(b"ld", 0)[:3]),
            (True, frame(b"\x00\x01", 2, mask=b"wxyz")),
            (False, frame(b"ld", 0)[3:] + frame(struct.pack("!H", 1001) + b"bye", 8)),
        ]
    )
    assert [(one.sender, one.kind, one.text, one.size) for one in found] == [
        ("client", "text", "hello", 5),
        ("service", "ping", "ping", 4),
        ("client", "binary", "", 2),
        ("service", "text", "world", 5),
        ("service", "close", "1001 bye", 5),
    ]


def test_long_and_compressed_messages():
    pack = zlib.compressobj(wbits=-15)

    def packed(data: bytes) -> bytes:
        return (pack.compress(data) + pack.flush(zlib.Z_SYNC_FLUSH))[:-4]

    found = frames(
        [
            (False, frame(b"a" * 70_000)),
            (True, frame(packed(b"one one one"), packed=True, mask=b"1234")),
            (True, frame(packed(b"one one one two"), packed=True, mask=b"1234")),
            (False, frame(b"\xff\xff\xff", packed=True)),
        ]
    )
    assert [len(found[0].text), found[1].text, found[2].text, found[3].text] == [
        65_536, "one one one", "one one one two", "(compressed)",
    ]  # fmt: skip


def test_a_bomb_unpacks_no_further_than_it_may():
    pack = zlib.compressobj(wbits=-15)
    bomb = pack.compress(b"a" * 9_000_000) + pack.flush(zlib.Z_SYNC_FLUSH)
    after = pack.compress(b"b") + pack.flush(zlib.Z_SYNC_FLUSH)
    found = frames([(False, frame(bomb[:-4], packed=True) + frame(after[:-4], packed=True))])
    assert len(found[0].text) == 65_536
    assert found[1].text == "(compressed)"


def test_only_so_many_are_listed():
    assert len(frames([(False, frame(b"x") * 5_000)])) == MOST
    assert len(events(b"data: x\n\n" * 5_000)) == MOST


def test_secrets_in_frames():
    assert SECRET not in repr(frames([(True, frame(f'{{"token": "{SECRET}"}}'.encode(), mask=b"abcd"))]))


@given(st.lists(st.tuples(st.booleans(), st.binary())))
def test_any_bytes(pieces: list[tuple[bool, bytes]]):
    frames(pieces)
    events(b"".join(data for _, data in pieces))


@given(st.lists(st.binary(max_size=200), max_size=8), st.integers(1, 50))
def test_pieces_make_no_difference(payloads: list[bytes], size: int):
    stream = b"".join(frame(payload, 2, mask=b"qwer") for payload in payloads)
    pieces = [(True, stream[at : at + size]) for at in range(0, len(stream), size)]
    assert frames(pieces) == frames([(True, stream)])
