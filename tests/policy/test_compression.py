"""Which answers are compressed, and for whom."""

import pytest

from devgate.policy.compression import accepts_gzip, compressible, may_transform, varying, weakened


@pytest.mark.parametrize(
    ("accepted", "yes"),
    [
        (b"", False),
        (b"gzip", True),
        (b"br, GZIP;q=0.5", True),
        (b"gzip;q=0", False),
        (b"gzip; q=0.000, *", False),
        (b"*", True),
        (b"*;q=0", False),
        (b"*;q=0, gzip", True),
        (b"identity, br", False),
        (b"gzip;q=x", False),
        (b"gzipped", False),
    ],
)
def test_who_takes_gzip(accepted: bytes, yes: bool) -> None:
    assert accepts_gzip(accepted) is yes


@pytest.mark.parametrize(
    ("kind", "yes"),
    [
        (b"application/json", True),
        (b"Application/JSON; charset=utf-8", True),
        (b"text/html", True),
        (b"application/vnd.api+json", True),
        (b"image/svg+xml", True),
        (b"text/event-stream", False),
        (b"image/png", False),
        (b"application/grpc-web+json", False),
        (b"application/zip", False),
        (b"", False),
    ],
)
def test_what_shrinks(kind: bytes, yes: bool) -> None:
    assert compressible(kind) is yes


def test_no_transform_is_obeyed() -> None:
    assert may_transform(b"")
    assert may_transform(b"no-cache, max-age=3")
    assert not may_transform(b"max-age=3,No-Transform")


def test_tags() -> None:
    assert weakened(b'"a"') == b'W/"a"'
    assert weakened(b'W/"a"') == b'W/"a"'


def test_vary() -> None:
    assert varying([b"Origin", b"accept-encoding , x"])
    assert varying([b"*"])
    assert not varying([b"Origin, X-Accept-Encoding"])
