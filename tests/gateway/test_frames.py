"""Frame edges against wsproto, an independent oracle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Message, Ping

from devgate.gateway.frames import FrameEdges, close_frame

MESSAGES = st.lists(
    st.one_of(
        st.binary(max_size=300).map(lambda data: BytesMessage(data=data)),
        st.sampled_from([125, 126, 65_535, 65_536]).map(lambda size: BytesMessage(data=b"x" * size)),
        st.binary(max_size=300).map(lambda data: BytesMessage(data=data, message_finished=False)),
        st.binary(max_size=125).map(lambda data: Ping(payload=data)),
    ),
    min_size=1,
    max_size=5,
)


@given(MESSAGES, st.booleans(), st.data())
def test_edges_lie_between_frames(messages: list[Message], client: bool, data: st.DataObject):
    sender = Connection(ConnectionType.CLIENT if client else ConnectionType.SERVER)
    edges = FrameEdges()
    for message in messages:
        frame = sender.send(message)
        cuts = sorted(data.draw(st.lists(st.integers(1, len(frame)), max_size=4)))
        for begin, end in zip([0, *cuts], [*cuts, len(frame)], strict=True):
            edges.feed(frame[begin:end])
            assert edges.at_edge == (end in (0, len(frame)) or (begin == end and end == 0))
    assert edges.at_edge
    assert not edges.closing


@given(MESSAGES, st.booleans())
def test_many_frames_in_one_piece(messages: list[Message], client: bool):
    sender = Connection(ConnectionType.CLIENT if client else ConnectionType.SERVER)
    edges = FrameEdges()
    edges.feed(b"".join(sender.send(message) for message in messages))
    assert edges.at_edge


def test_a_close_is_noticed_as_soon_as_its_head_is_there():
    edges = FrameEdges()
    frame = close_frame(1000, "bye")
    edges.feed(frame[:1])
    assert not edges.closing
    edges.feed(frame[1:2])
    assert edges.closing
    assert not edges.at_edge


@pytest.mark.parametrize("mask", [b"", b"\x01\x02\x03\xff"])
@pytest.mark.parametrize("reason", ["", "the service restarts", "ü" * 100])
def test_a_close_frame_is_understood(mask: bytes, reason: str):
    receiver = Connection(ConnectionType.SERVER if mask else ConnectionType.CLIENT)
    receiver.receive_data(close_frame(1012, reason[:60], mask=mask))
    (event,) = receiver.events()
    assert isinstance(event, CloseConnection)
    assert (event.code, event.reason or "") == (1012, reason[:60])


def test_a_long_reason_is_cut_to_what_a_control_frame_holds():
    assert len(close_frame(1001, "x" * 500)) == 2 + 125


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_nonsense_is_followed_without_complaint(pieces: list[bytes]):
    edges = FrameEdges()
    for piece in pieces:
        edges.feed(piece)
    whole = FrameEdges()
    whole.feed(b"".join(pieces))
    assert (whole.at_edge, whole.closing) == (edges.at_edge, edges.closing)
