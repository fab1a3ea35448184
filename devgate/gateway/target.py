"""The request target: what stands between method and version, taken apart without changing a byte (RFC 9112 3.2).

Two forms of a path exist side by side. The *raw* one is forwarded as it came: percent-encoding, an empty query and doubled
slashes survive, because a service may mean something by them. The *normal* one decides: which route wins and, with it, who may
pass. A path whose two forms could lead a service to another place than the one that was decided on is refused (SEMANTICS 4,
threat 12).

Threat 12 names doubled slashes among what is refused, and they are not refused here: nothing may be done to them on the way, as
services and their clients do use them (`/proxy//http:..`, keys of an object store), and RFC 9112 3.2.1 allows an empty segment.
They do no harm either: a `//` never makes a path match fewer routes, so that no gate of `/admin` is passed by with `//admin`; and
where a prefix is taken off, what is left begins with one slash.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote_to_bytes


class BadTarget(ValueError):
    """A target that is refused with 400; the text says why."""


@dataclass(frozen=True, slots=True)
class Target:
    path: bytes
    """Raw; begins with `/`, or is `*` for the server as a whole."""
    query: bytes
    """Raw, with its `?`; empty where there was not even that."""
    authority: bytes | None = None
    """Of the absolute form, where it replaces the `Host` header (RFC 9112 3.2.2). Nothing else of that form is used."""


def parse(method: str, raw: bytes) -> Target:
    """Take a request target apart.

    Raises:
        BadTarget: none of the forms that a gateway has to know.
    """
    authority = None
    if not raw.startswith(b"/"):
        if raw == b"*" and method == "OPTIONS":
            return Target(raw, b"")
        scheme, mark, rest = raw.partition(b"://")
        if not mark or scheme.lower() not in (b"http", b"https"):
            raise BadTarget("the target is neither a path nor a URL of http")
        end = min((index for index in (rest.find(b"/"), rest.find(b"?")) if index >= 0), default=len(rest))
        authority, raw = rest[:end], rest[end:]
        if not raw.startswith(b"/"):
            raw = b"/" + raw
    if b"#" in raw:
        raise BadTarget("a target has no fragment")
    path, mark, query = raw.partition(b"?")
    return Target(path, mark + query, authority)


def segments(path: bytes) -> tuple[bytes, ...]:
    """The normal form of a raw path: its segments, decoded once, without empty ones, `.` and path parameters (`;v=1`).

    An encoded slash does not separate; it stays part of its segment, where no literal of a route can match it.

    Raises:
        BadTarget: the path would climb (`..`, encoded or not, between real or encoded slashes), or holds a NUL or a backslash,
            which some servers take for an end and for a slash.
    """
    if b"%" not in path and b";" not in path and b"." not in path and b"\\" not in path and b"\0" not in path:
        return tuple(filter(None, path.split(b"/")))
    return tuple(name for raw in path.split(b"/") if (name := _name(raw)))


def text(names: tuple[bytes, ...]) -> str:
    """The normal form as one text, for regular expressions: every segment after a slash, and an encoded slash still encoded, so
    that `[^/]+` stands for one segment. Bytes that are no text stand as U+FFFD, which a `.` takes."""
    return "".join(f"/{name.replace(b'/', b'%2F').decode('utf-8', 'replace')}" for name in names)


def strip(path: bytes, count: int) -> bytes:
    """A raw path without its first `count` segments of the normal form. The rest keeps its bytes and its trailing slash, and
    begins with exactly one slash: two would be read as an authority."""
    raw = path.split(b"/")[1:]
    index = 0
    while count:
        count -= bool(_name(raw[index]))
        index += 1
    while index < len(raw) - 1 and not raw[index]:
        index += 1
    return b"/" + b"/".join(raw[index:])


def _name(raw: bytes) -> bytes:
    """A raw segment as the normal form has it; empty for one that does not count."""
    segment = unquote_to_bytes(raw)
    if b"\0" in segment:
        raise BadTarget("the path holds a NUL")
    if b"\\" in segment:
        raise BadTarget("the path holds a backslash")
    if b".." in segment and any(part.partition(b";")[0] == b".." for part in segment.split(b"/")):
        raise BadTarget("the path climbs with '..'")
    name = segment.partition(b";")[0]
    return b"" if name == b"." else name
