"""Request targets: raw bytes stay, the normal form decides, and what could lead elsewhere is refused."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from devgate.gateway.target import BadTarget, Target, parse, segments, strip

NAMES = {
    b"a": b"a",
    b"bc": b"bc",
    b"": b"",
    b".": b"",
    b"%2e": b"",
    b"%2F": b"/",
    b"d;v=1": b"d",
    b"%41": b"A",
    b"%zz": b"%zz",
    b"%": b"%",
    b"\xc3\xbc": b"\xc3\xbc",
    b"...": b"...",
    b"a..b": b"a..b",
}
"""Raw segments and what the normal form makes of them."""
PARTS = st.lists(st.sampled_from(sorted(NAMES)), max_size=8)


@pytest.mark.parametrize(
    ("raw", "path", "query"),
    [
        (b"/", b"/", b""),
        (b"/a%2Fb/%27x%3A?q=%27%20+%2B", b"/a%2Fb/%27x%3A", b"?q=%27%20+%2B"),
        (b"/a?", b"/a", b"?"),
        (b"/a??b?c", b"/a", b"??b?c"),
        (b"//a//b/", b"//a//b/", b""),
        (b"/\xff", b"/\xff", b""),
        (b"/http://x/", b"/http://x/", b""),
    ],
)
def test_origin_form_keeps_every_byte(raw: bytes, path: bytes, query: bytes):
    assert parse("GET", raw) == Target(path, query)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"http://h:1/a?b", Target(b"/a", b"?b", b"h:1")),
        (b"HTTP://h", Target(b"/", b"", b"h")),
        (b"https://h?b/c", Target(b"/", b"?b/c", b"h")),
        (b"http:///a", Target(b"/a", b"", b"")),
        (b"http://h//a", Target(b"//a", b"", b"h")),
    ],
)
def test_absolute_form_gives_authority_and_path(raw: bytes, expected: Target):
    assert parse("GET", raw) == expected


def test_asterisk_form_is_for_options():
    assert parse("OPTIONS", b"*") == Target(b"*", b"")
    with pytest.raises(BadTarget):
        parse("GET", b"*")


@pytest.mark.parametrize("raw", [b"", b"a", b"ftp://h/", b"h:80", b"file:///etc/passwd", b"/a#b", b"http://h/#b"])
def test_other_forms_are_refused(raw: bytes):
    with pytest.raises(BadTarget):
        parse("GET", raw)


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (b"/", ()),
        (b"/a/b", (b"a", b"b")),
        (b"//a///b//", (b"a", b"b")),
        (b"/./a/%2E/b/.", (b"a", b"b")),
        (b"/%61/%C3%BC", (b"a", b"\xc3\xbc")),
        (b"/a%2Fb", (b"a/b",)),
        (b"/a%252e", (b"a%2e",)),
        (b"/a;v=1/;x/b", (b"a", b"b")),
        (b"/%zz/%", (b"%zz", b"%")),
        (b"/...", (b"...",)),
        (b"/%252e%252e/a", (b"%2e%2e", b"a")),
    ],
)
def test_the_normal_form(path: bytes, names: tuple[bytes, ...]):
    assert segments(path) == names


@pytest.mark.parametrize(
    "path",
    [
        b"/..",
        b"/a/../b",
        b"/%2e%2e/b",
        b"/.%2E",
        b"/a%2F..%2Fb",
        b"/..%2F",
        b"/..;/admin",
        b"/..;x=1/admin",
        b"/a\\b",
        b"/a%5Cb",
        b"/a/%5c..%5c",
        b"/a%00",
        b"/a\x00",
    ],
)
def test_what_could_climb_is_refused(path: bytes):
    with pytest.raises(BadTarget):
        segments(path)


@pytest.mark.parametrize(
    ("path", "count", "left"),
    [
        (b"/v1/auth/x", 2, b"/x"),
        (b"/v1/auth", 2, b"/"),
        (b"/v1/auth/", 2, b"/"),
        (b"/v1/auth/x/", 2, b"/x/"),
        (b"/v1//auth///x//y", 2, b"/x//y"),
        (b"/v1/auth//", 2, b"/"),
        (b"/./v1/%2e/auth/x", 2, b"/x"),
        (b"/v1/auth/a%2Fb?", 2, b"/a%2Fb?"),
        (b"//evil/x", 0, b"/evil/x"),
    ],
)
def test_strip(path: bytes, count: int, left: bytes):
    assert strip(path, count) == left


@given(PARTS)
def test_each_segment_is_taken_for_itself(parts: list[bytes]):
    assert segments(b"/" + b"/".join(parts)) == tuple(NAMES[part] for part in parts if NAMES[part])


@given(PARTS, st.integers(0, 4))
def test_strip_takes_away_just_the_first_segments(parts: list[bytes], count: int):
    path = b"/" + b"/".join(parts)
    names = segments(path)
    assume(count <= len(names))
    left = strip(path, count)
    assert segments(left) == names[count:]
    assert left.startswith(b"/")
    assert not left.startswith(b"//")
    assert left[1:] in path
    if left != b"/":
        assert left.endswith(b"/") == path.endswith(b"/")


@given(st.binary(max_size=30))
def test_any_bytes_are_parsed_or_refused(raw: bytes):
    try:
        target = parse("GET", raw)
        segments(target.path)
    except BadTarget:
        return
    assert target.path.startswith(b"/")
    assert raw.endswith(target.path[1:] + target.query)
