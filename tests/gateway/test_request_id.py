"""Request ids."""

import uuid

import pytest

from devgate.gateway.request_id import RequestIds, accepted


@pytest.mark.parametrize("value", [b"abcdefgh", b"A.b-c_12", b"0" * 128, b"550e8400-e29b-41d4-a716-446655440000"])
def test_accepted(value: bytes):
    assert accepted(value)


@pytest.mark.parametrize(
    "value", [b"", b"short", b"a" * 129, b"white space", b"new\nline1", b"abcdefgh\n", b"<script>", b"\xff" * 9]
)
def test_not_accepted(value: bytes):
    assert not accepted(value)


def test_made_ones_are_uuids_of_version_4_and_differ():
    make = RequestIds()
    made = [make() for _ in range(3000)]
    assert len({*made, RequestIds()()}) == len(made) + 1
    for text in map(bytes.decode, made):
        parsed = uuid.UUID(text)
        assert (str(parsed), parsed.version, parsed.variant) == (text, 4, uuid.RFC_4122)
