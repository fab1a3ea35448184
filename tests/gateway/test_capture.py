"""What is kept of finished requests, and how much."""

import gc

import pytest

from devgate.gateway.capture import ENTRY_COST, FIELD_COST, Captures, cut


def add(
    captures: Captures, answer: bytes = b"", *, upload: bytes = b"", frames: tuple[tuple[bool, bytes], ...] = ()
) -> None:
    captures.add(
        ((b"host", b"a"),),
        (b"", b""),
        (upload,),
        [answer],
        frames,
        "::1",
        False,
        None,
        0.0,
        0.0,
        (),
        ("", "", ""),
        False,
    )


def test_requests_are_found_by_their_number():
    captures = Captures()
    for number in range(1, 4):
        add(captures, b"%d" % number, upload=b"up")
    raw = captures.get(2)
    assert raw is not None
    assert (raw.answer, raw.upload, raw.fields, raw.peer) == ((b"2",), (b"up",), ((b"host", b"a"),), "::1")
    assert captures.get(0) is None
    assert captures.get(4) is None


def test_the_oldest_make_room():
    captures = Captures(total=10_000)
    for number in range(1, 101):
        add(captures, b"%d" % number * 400)
        assert captures.size <= 10_000
    assert captures.get(100) is not None
    assert captures.get(90) is None
    captures = Captures(capacity=3)
    for number in range(5):
        add(captures, b"%d" % number)
    assert [captures.get(number) is not None for number in range(1, 6)] == [False, False, True, True, True]


def test_one_that_is_too_large_leaves_at_once_and_numbers_go_on():
    captures = Captures(total=5_000)
    add(captures, b"x" * 9_000)
    assert captures.get(1) is None
    assert captures.size == 0
    add(captures, b"y")
    assert captures.get(2) is not None


def test_everything_counts():
    captures = Captures()
    add(captures, b"abc", upload=b"de", frames=((True, b"fghi"),))
    assert captures.size == ENTRY_COST + FIELD_COST + len(b"hosta") + 3 + 2 + 4


@pytest.mark.parametrize(
    ("pieces", "most", "kept"),
    [
        ((), 5, ()),
        ((b"abc", b"def"), 6, (b"abc", b"def")),
        ((b"abc", b"def"), 4, (b"abc", b"d")),
        ((b"abc", b"d"), 3, (b"abc",)),
    ],
)
def test_cutting(pieces: tuple[bytes, ...], most: int, kept: tuple[bytes, ...]):
    assert cut(pieces, most) == kept


def test_the_collector_has_nothing_to_look_at():
    """Thousands of these live for minutes: they must not make the collector's full rounds longer."""
    captures = Captures()
    add(captures, b"abc")
    for _ in range(4):  # each round unties one level
        gc.collect()
    assert not gc.is_tracked(captures._held[0])
