"""Which answers are compressed, and for whom."""

import pytest

from devgate.policy.compression import chosen, compressible, may_transform, varying, weakened

ALL = ("gzip", "br", "zstd")


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (b"", ""),
        (b"gzip", "gzip"),
        (b"x-gzip", "gzip"),
        (b"br, GZIP;q=0.5", "br"),
        (b"gzip, deflate, br, zstd", "gzip"),  # what browsers say: all are liked alike, and the order is ours
        (b"gzip;q=0.8, br;q=0.9, zstd;q=0.95", "zstd"),
        (b"gzip;q=0", ""),
        (b"gzip;q=0, br", "br"),
        (b"gzip; q=0.000, *", "br"),
        (b"*", "gzip"),
        (b"*;q=0", ""),
        (b"*;q=0, gzip", "gzip"),
        (b"*;q=0.5, zstd", "zstd"),
        (b"identity, deflate", ""),
        (b"identity, gzip;q=0.5", ""),
        (b"identity;q=0.5, gzip", "gzip"),
        (b"identity;q=0, gzip;q=0.1", "gzip"),
        (b"gzip;q=x", ""),
        (b"gzip;q=nan, br;q=inf", ""),
        (b"gzip;q=2", ""),
        (b"gzip;q=-1", ""),
        (b"gzipped", ""),
        (b",,;q=1, ;;", ""),
    ],
)
def test_what_the_client_likes_best(accepted: bytes, coding: str) -> None:
    assert chosen(accepted, ALL) == coding


def test_among_equals_the_order_is_the_routes() -> None:
    assert chosen(b"gzip, br, zstd", ("zstd", "gzip")) == "zstd"
    assert chosen(b"gzip, br", ("zstd",)) == chosen(b"gzip, br", ()) == ""


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
