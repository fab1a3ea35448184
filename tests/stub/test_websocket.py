"""The echo's handshake and frames. The other side is wsproto as a client, and plain bytes where it would not go wrong."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage

from devgate.stub.request import Request
from devgate.stub.websocket import GOING_AWAY, MESSAGE_LIMIT, TOO_BIG, Echo, HandshakeError, accept, is_wanted

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
OPENING = [("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", KEY)]


def test_the_handshake_of_the_rfc():
    assert accept(Request("GET", "/", OPENING)) == (
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    )


def test_the_first_subprotocol_is_chosen():
    offers = [("Sec-WebSocket-Protocol", " , chat.v2,chat.v1"), ("sec-websocket-protocol", "other")]
    assert accept(Request("GET", "/", OPENING + offers))[-1] == ("Sec-WebSocket-Protocol", "chat.v2")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (Request("POST", "/", OPENING), 400),
        (Request("GET", "/", OPENING, version="1.0"), 400),
        (Request("GET", "/", OPENING[1:]), 426),
        (Request("GET", "/", [("Sec-WebSocket-Version", "8"), OPENING[1]]), 426),
        (Request("GET", "/", [OPENING[0], *OPENING]), 426),
        (Request("GET", "/", OPENING[:1]), 400),
        (Request("GET", "/", [*OPENING, OPENING[1]]), 400),
        (Request("GET", "/", [OPENING[0], ("Sec-WebSocket-Key", "c2hvcnQ=")]), 400),
        (Request("GET", "/", [OPENING[0], ("Sec-WebSocket-Key", "not base64!")]), 400),
        (Request("GET", "/", [OPENING[0], ("Sec-WebSocket-Key", "\xe9" * 24)]), 400),
    ],
)
def test_a_handshake_that_is_none(request_: Request, status: int):
    with pytest.raises(HandshakeError) as caught:
        accept(request_)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("value", "expected"), [("websocket", True), ("h2c, WebSocket", True), ("h2c", False), ("", False)]
)
def test_which_upgrade_is_meant(value: str, expected: bool):
    assert is_wanted(Request("GET", "/", [("Upgrade", value)])) is expected


class Client:
    """Talks to an `Echo` in memory."""

    def __init__(self) -> None:
        self.echo = Echo()
        self.connection = Connection(ConnectionType.CLIENT)

    def say(self, *events: Event) -> list[Event]:
        """Send events in one piece; what comes back."""
        return self.hear(self.echo.receive(b"".join(self.connection.send(event) for event in events)))

    def hear(self, data: bytes) -> list[Event]:
        self.connection.receive_data(data)
        return list(self.connection.events())


def test_text_and_binary_come_back_as_they_are():
    client = Client()
    assert client.say(TextMessage("h\u00e9 \U0001f600")) == [TextMessage("h\u00e9 \U0001f600")]
    assert client.say(BytesMessage(b"\x00\xff")) == [BytesMessage(b"\x00\xff")]
    assert client.say(TextMessage(""), BytesMessage(b"")) == [TextMessage(""), BytesMessage(b"")]
    assert client.echo.messages == 4


def test_fragments_are_joined_and_a_ping_between_them_is_answered_first():
    client = Client()
    answers = client.say(
        TextMessage("a", message_finished=False), Ping(b"p"), TextMessage("", message_finished=False), TextMessage("b")
    )
    assert answers == [Pong(b"p"), TextMessage("ab")]


def test_a_character_may_be_cut_in_two():
    echo = Echo()
    assert echo.receive(frame(0x01, "\u00e9".encode()[:1])) == b""
    assert echo.receive(frame(0x80, "\u00e9".encode()[1:])) == b"\x81\x02\xc3\xa9"


def test_a_pong_is_not_answered():
    assert Client().say(Pong(b"x")) == []


@pytest.mark.parametrize(
    ("code", "reason"), [(1000, "bye"), (1001, ""), (1012, "switch"), (3999, "x"), (4999, "h\u00e9")]
)
def test_a_close_comes_back_with_code_and_reason(code: int, reason: str):
    client = Client()
    assert client.say(CloseConnection(code, reason)) == [CloseConnection(code, reason)]
    assert client.echo.closed == code


def test_a_close_without_code_comes_back_without():
    echo = Echo()
    assert echo.receive(frame(0x88, b"")) == b"\x88\x00"
    assert echo.closed == 1005


def test_what_follows_a_close_is_ignored():
    echo = Echo()
    assert echo.receive(frame(0x88, b"") + frame(0x82, b"late")) == b"\x88\x00"


def test_closing_from_this_side():
    client = Client()
    assert client.hear(client.echo.close(GOING_AWAY, "the stub is stopping")) == [
        CloseConnection(1001, "the stub is stopping")
    ]
    assert client.echo.closed == GOING_AWAY


def frame(first: int, payload: bytes, *, masked: bool = True) -> bytes:
    """A client's frame with a mask of zeros."""
    bit, mask = (0x80, bytes(4)) if masked else (0, b"")
    if len(payload) < 126:
        return bytes([first, bit | len(payload)]) + mask + payload
    return bytes([first, bit | 127]) + struct.pack("!Q", len(payload)) + mask + payload


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(0x81, b"x", masked=False), 1002),
        (frame(0xC1, b"x"), 1002),  # a reserved bit
        (frame(0x83, b"x"), 1002),  # an opcode that is none
        (frame(0x80, b"x"), 1002),  # a continuation of nothing
        (frame(0x01, b"x") + frame(0x81, b"y"), 1002),
        (frame(0x09, b"x"), 1002),  # a ping in fragments
        (b"\x89\xfe\x00\x7e" + bytes(4 + 126), 1002),  # a ping that is too long
        (b"\x82\xff" + b"\xff" * 8 + bytes(4), 1002),  # a length with its first bit set
        (frame(0x88, b"x"), 1002),
        (frame(0x88, struct.pack("!H", 1005)), 1002),
        (frame(0x88, struct.pack("!H", 999)), 1002),
        (frame(0x81, b"\xff"), 1007),
        (frame(0x81, "\u00e9".encode()[:1]), 1007),
        (frame(0x88, struct.pack("!H", 1000) + b"\xff"), 1007),
    ],
)
def test_a_wrong_frame_is_answered_with_its_code(data: bytes, code: int):
    echo = Echo()
    answer = echo.receive(data)
    assert echo.closed == code
    assert answer[:1] == b"\x88"
    assert struct.unpack("!H", answer[2:4]) == (code,)


def test_the_longest_message_comes_back_and_one_byte_more_does_not():
    whole = bytes(MESSAGE_LIMIT)
    echo = Echo()
    answer = echo.receive(frame(0x82, whole))
    assert echo.closed is None
    assert answer == b"\x82\x7f" + struct.pack("!Q", MESSAGE_LIMIT) + whole
    assert echo.receive(frame(0x02, whole)) == b""
    answer = echo.receive(frame(0x00, b"x"))
    assert echo.closed == TOO_BIG
    assert answer[:1] == b"\x88"


def test_a_length_that_was_only_announced_takes_no_memory_and_no_answer():
    echo = Echo()
    assert echo.receive(b"\x82\xff" + struct.pack("!Q", 2**62) + bytes(4) + b"abc") == b""
    assert echo.closed is None


@given(st.lists(st.binary(max_size=40), max_size=6), st.booleans())
def test_hostile_bytes_raise_nothing(pieces: list[bytes], framed: bool):
    echo = Echo()
    for piece in pieces:
        if echo.closed is None:
            echo.receive(frame(0x80 | piece[0] & 0x0F, piece[1:]) if framed and piece else piece)
