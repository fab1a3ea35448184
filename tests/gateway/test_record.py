"""The ring of finished requests."""

from types import SimpleNamespace

import pytest

from devgate.gateway.exchange import Exchange
from devgate.gateway.record import Ring

CLIENT = SimpleNamespace(peer="")


def exchange(target: bytes = b"/", **fields: object) -> Exchange:
    made = Exchange(CLIENT, "GET", target, (), None, http10=False, close=False, upgrade=False, arrived=10.0)  # type: ignore[arg-type]
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def filled(count: int, capacity: int = 5) -> Ring:
    ring = Ring(capacity)
    for number in range(1, count + 1):
        ring.add(exchange(b"/%d" % number), 10.5, 1000.0)
    return ring


@pytest.mark.parametrize(
    ("count", "after", "limit", "numbers"),
    [
        (0, 0, 10, []),
        (3, 0, 10, [1, 2, 3]),
        (3, 1, 10, [2, 3]),
        (3, 3, 10, []),
        (3, 99, 10, []),
        (3, 0, 2, [2, 3]),
        (3, 0, 0, []),
        (8, 0, 10, [4, 5, 6, 7, 8]),
        (8, 5, 2, [7, 8]),
    ],
)
def test_pages(count: int, after: int, limit: int, numbers: list[int]):
    page = filled(count).page(after, limit)
    assert [row.seq for row in page.rows] == numbers
    assert [row.path for row in page.rows] == [f"/{number}" for number in numbers]
    assert (page.next, page.total) == (count, count)


def test_a_row():
    ring = Ring()
    ring.add(
        exchange(b"/a", id=b"id", status=200, held_s=0.25, received=3, sent=4, error="cut", kind="sse"),
        10.5,
        1000.0,
    )
    (row,) = ring.page(0, 1).rows
    assert (row.at, row.duration_ms, row.held_ms) == (999.5, 500, 250)
    assert (row.request_id, row.status, row.request_bytes, row.response_bytes) == ("id", 200, 3, 4)
    assert (row.error, row.kind, row.route, row.service, row.replica) == ("cut", "sse", "", "", -1)


def test_single_rows_are_found_by_number_and_id():
    ring = filled(8)
    assert [ring.row(number) is not None for number in (0, 3, 4, 8, 9)] == [False, False, True, True, False]
    row = ring.row(5)
    assert row is not None
    assert (row.seq, row.path, ring.target(5), ring.target(1)) == (5, "/5", b"/5", b"")
    ring.add(exchange(id=b"mine"), 10.5, 1000.0)
    assert (ring.number_of(b"mine"), ring.number_of(b"other")) == (9, 0)
    assert ring.captures.get(9) is not None


def test_rows_leave_without_secrets_and_as_text():
    ring = Ring()
    ring.add(exchange(b"/a?access_token=s3cr3t-s3cr3t&x=\xff\x1b"), 10.0, 0.0)
    (row,) = ring.page(0, 1).rows
    assert "s3cr3t" not in row.path
    row.path.encode()
