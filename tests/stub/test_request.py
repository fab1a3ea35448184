"""One request's facts."""

import hashlib

import pytest

from devgate.stub.request import KEPT_BODY_LIMIT, Request


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/", "/", ""),
        ("/a%2Fb/../c;d?x=1?y", "/a%2Fb/../c;d", "x=1?y"),
        ("/a?", "/a", ""),
        ("//a//b", "//a//b", ""),
        ("*", "*", ""),
        ("http://host:1/a/b?c", "/a/b", "c"),
        ("http://host?c", "/", "c"),
        ("/redirect/http://x/y", "/redirect/http://x/y", ""),
    ],
)
def test_a_target_is_split_and_never_decoded(target: str, path: str, query: str):
    request = Request("GET", target, [])
    assert (request.path, request.query, request.target) == (path, query, target)


def test_fields_are_found_by_name_in_order():
    request = Request("GET", "/", [("A", "1"), ("b", "2"), ("a", "3")])
    assert request.values("a") == ["1", "3"]
    assert request.values("c") == []


def test_a_body_is_counted_and_hashed_and_not_kept():
    request = Request("POST", "/", [])
    request.feed(b"abc")
    request.feed(b"def")
    assert request.body_bytes == 6
    assert request.body_sha256 == hashlib.sha256(b"abcdef").hexdigest()
    assert not request.kept


def test_a_kept_body_is_bounded():
    request = Request("POST", "/_stub", [])
    request.keeps_body = True
    for _ in range(3):
        request.feed(bytes(KEPT_BODY_LIMIT // 2))
    assert len(request.kept) == KEPT_BODY_LIMIT
    assert request.body_bytes > KEPT_BODY_LIMIT


@pytest.mark.parametrize(
    ("version", "value", "expected"),
    [("1.1", "100-Continue", True), ("1.0", "100-continue", False), ("1.1", "x", False)],
)
def test_expects_a_go_ahead(version: str, value: str, expected: bool):
    assert Request("POST", "/", [("Expect", value)], version=version).awaits_continue is expected
