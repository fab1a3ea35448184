"""Header fields as a profile changes them."""

import pytest

from devgate.policy.edits import Edits, fault_in

FIELDS = [(b"Server", b"x"), (b"X-A", b"1"), (b"x-a", b"2"), (b"X-B", b"3")]


def made(remove: tuple[str, ...] = (), set: dict[str, str] | None = None, add: dict[str, list[str]] | None = None):
    edits = Edits.of(remove, set or {}, add or {})
    assert edits is not None
    return edits


def test_taken_away_replaced_and_added() -> None:
    edits = made(("server",), {"X-A": "new"}, {"X-B": ["4", "5"]})
    expected = [(b"X-B", b"3"), (b"X-A", b"new"), (b"X-B", b"4"), (b"X-B", b"5")]
    assert edits.fields(FIELDS) == expected
    lines = [b"%b: %b\r\n" % field for field in FIELDS]
    assert edits.lines(lines) == [b"%b: %b\r\n" % field for field in expected]


def test_nothing_is_nothing() -> None:
    assert Edits.of((), {}, {}) is None


def test_the_rest_keeps_order_and_case() -> None:
    assert made(("X-C",)).fields(FIELDS) == FIELDS


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "X-Forwarded-For", "Via", "Upgrade"])
def test_what_holds_a_message_together_is_not_to_be_touched(name: str) -> None:
    assert "own business" in fault_in(name)


@pytest.mark.parametrize(
    ("name", "value"), [("a b", ""), ("", ""), ("a:", ""), ("x", "a\r\nb: c"), ("x", "\0"), ("x", " a")]
)
def test_what_cannot_be_sent(name: str, value: str) -> None:
    assert fault_in(name, value)


def test_ordinary_fields_are_fine() -> None:
    assert not fault_in("X-Frame-Options", "DENY")
    assert not fault_in("Authorization", "Bearer ä")
