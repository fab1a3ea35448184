"""What is kept of finished requests, and how much."""

import gc
from types import SimpleNamespace

import pytest

from devgate.gateway.capture import ANSWER, ENTRY_COST, KEPT, Captures, Trace, cut
from devgate.gateway.exchange import Exchange
from devgate.gateway.greeting import FIELD_COST, size_of

CLIENT = SimpleNamespace(peer="::1")


def finished(*answered: bytes, **fields: object) -> Exchange:
    made = Exchange(
        CLIENT, "GET", b"/", ((b"host", b"a"),), None, http10=False, close=False, upgrade=False, arrived=10.0
    )  # type: ignore[arg-type]
    made.answered, *rest = answered
    made.sent = sum(map(len, answered))
    made.greeting = SimpleNamespace(raw=made.raw_headers, size=size_of(made.raw_headers))  # type: ignore[assignment]
    if rest:
        made.traced().rest += rest
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def test_requests_are_found_by_their_number():
    captures = Captures(5)
    for number in range(1, 4):
        captures.add(finished(b"%d" % number, whole_body=b"up"))
    raw = captures.get(2)
    assert raw is not None
    assert (raw.answer, raw.upload, raw.fields, raw.peer) == (b"2", b"up", ((b"host", b"a"),), "::1")
    assert captures.get(0) is None
    assert captures.get(4) is None


def test_the_oldest_make_room():
    captures = Captures(1_000, total=10_000)
    for number in range(1, 101):
        captures.add(finished(b"%d" % number * 400))
        assert captures.size <= 10_000
    assert captures.get(100) is not None
    assert captures.get(90) is None
    captures = Captures(3)
    for number in range(5):
        captures.add(finished(b"%d" % number))
    assert [captures.get(number) is not None for number in range(1, 6)] == [False, False, True, True, True]


def test_one_that_is_too_large_leaves_at_once_and_numbers_go_on():
    captures = Captures(5, total=5_000)
    captures.add(finished(b"x" * 9_000))
    assert captures.get(1) is None
    assert captures.size == 0
    captures.add(finished(b"y"))
    assert captures.get(2) is not None


def test_everything_counts():
    captures = Captures(5)
    trace = Trace()
    trace.uploaded.append(b"de")
    trace.frames.append((True, b"fghi"))
    captures.add(finished(b"abc", trace=trace, head=(b"line", b"rest")))
    assert captures.size == ENTRY_COST + FIELD_COST + len(b"hosta") + 3 + 2 + 4 + 8
    raw = captures.get(1)
    assert raw is not None
    assert raw.trace is trace


def test_long_bodies_are_cut():
    captures = Captures(5)
    captures.add(finished(b"a" * KEPT, b"b" * KEPT, whole_body=b"c" * 2 * KEPT))
    captures.add(finished(b"a" * 2 * KEPT))
    for number in (1, 2):
        raw = captures.get(number)
        assert raw is not None
        assert len(raw.answer) == ANSWER
    trace = Trace()
    trace.uploaded += [b"d" * KEPT] * 2
    captures.add(finished(b"", trace=trace))
    assert [len(captures.get(number).upload) for number in (1, 3)] == [KEPT, KEPT]  # type: ignore[union-attr]
    assert captures.size < 6 * KEPT


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
    assert cut(pieces, most) == list(kept)


def test_the_collector_has_nothing_to_look_at():
    """Thousands of these live for minutes: they must not make the collector's full rounds longer."""
    captures = Captures(5)
    captures.add(finished(b"abc"))
    for _ in range(4):  # each round unties one level
        gc.collect()
    assert not gc.is_tracked(captures._held[0])
