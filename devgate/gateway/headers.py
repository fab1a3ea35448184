"""Header fields on their way through: what is taken out, what is put in, in both directions (RFC 9110 7.6, SEMANTICS 3.2).

Fields stay bytes as the parsers found them; order, case and duplicates survive. Each name is classified once and remembered, so a
field that passes costs one lookup and one concatenation.

A name in `Connection` concerns only this hop and is dropped, except for those in `_PROTECTED`: otherwise a client could have its
own `Authorization`, or ours, removed on the way (threat 10). Names with an underscore are dropped, because many servers read them
as the same name with a hyphen, and `X_User_Id` would pass where `X-User-Id` is removed (threats 10 and 11).

`Trailer` goes on, with the trailers that it announces; SEMANTICS 3.2 counts it among what ends here, as older RFCs did, but RFC
9110 6.6.2 binds it to no hop.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Field = tuple[bytes, bytes]

MEMO_SIZE: Final = 1024

SECURITY: Final[tuple[Field, ...]] = (
    (b"X-Content-Type-Options", b"nosniff"),
    (b"Referrer-Policy", b"no-referrer"),
    (b"X-Frame-Options", b"SAMEORIGIN"),
    (b"Cross-Origin-Resource-Policy", b"cross-origin"),
)
"""Added to answers that do not carry them; never HSTS or a CSP, which would outlive the service or break its pages."""
SECURITY_LINES: Final = b"".join(b"%b: %b\r\n" % field for field in SECURITY)

SECURITY_KEYS: Final = frozenset(name.lower() for name, _ in SECURITY)
_HOP_BY_HOP: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"transfer-encoding", b"upgrade", b"http2-settings"}
    | {b"proxy-authorization", b"proxy-authenticate", b"proxy-authentication-info"}
)
_PROTECTED: Final = frozenset(
    {b"host", b"content-length", b"content-type", b"content-encoding", b"authorization", b"cookie", b"origin", b"via"}
    | {b"x-request-id", b"expect", b"max-forwards"}
)
_FORWARDING: Final = (b"x-forwarded-", b"x-user-", b"x-auth-", b"x-gateway-")
"""Beginnings of names that only a gateway may set."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What happens to fields of one name."""

    passes: bool
    key: bytes
    """Lower-case name under which the value is noted; empty for names that nobody asks about."""


_PASS: Final = _Kind(True, b"")
_DROP: Final = _Kind(False, b"")


class _Kinds(dict[bytes, _Kind]):
    """What happens to fields, by the name as written; worked out by `classify` from the lower-case name, and remembered."""

    def __init__(self, classify: Callable[[bytes], _Kind]) -> None:
        super().__init__()
        self._classify = classify

    def __missing__(self, name: bytes) -> _Kind:
        if len(self) >= MEMO_SIZE:
            self.clear()
        self[name] = kind = self._classify(name.lower())
        return kind


_REQUEST_NOTED: Final = frozenset(
    {
        b"host",
        b"connection",
        b"content-length",
        b"transfer-encoding",
        b"upgrade",
        b"te",
        b"trailer",
        b"x-request-id",
        b"max-forwards",
    }
)
_REQUEST_NOTED_PASSING: Final = frozenset(
    {b"origin", b"via", b"expect", b"access-control-request-method", b"access-control-request-headers"}
    | {b"access-control-request-private-network"}
)


def _request_kind(name: bytes) -> _Kind:
    if name in _REQUEST_NOTED:
        return _Kind(False, name)
    if name in _REQUEST_NOTED_PASSING:
        return _Kind(True, name)
    if name in _HOP_BY_HOP or name in (b"forwarded", b"x-real-ip") or b"_" in name:
        return _DROP
    return _DROP if name.startswith(_FORWARDING) else _PASS


_RESPONSE_NOTED: Final = frozenset(
    {b"connection", b"content-length", b"transfer-encoding", b"upgrade", b"x-request-id", b"location"}
)
VERSION: Final = b"x-shared-knowledge-version"
"""What a service may say of itself in any answer (SEMANTICS 3.11)."""
_RESPONSE_NOTED_PASSING: Final = frozenset({b"content-type", b"date", b"x-accel-buffering", VERSION, *SECURITY_KEYS})


def _response_kind(name: bytes, *, keep_cors: bool = False) -> _Kind:
    if name in _RESPONSE_NOTED:
        return _Kind(False, name)
    if name.startswith(b"access-control-"):
        return _Kind(keep_cors, name)
    if name in _RESPONSE_NOTED_PASSING:
        return _Kind(True, name)
    return _DROP if name in _HOP_BY_HOP else _PASS


_REQUEST: Final = _Kinds(_request_kind)
_RESPONSE: Final = _Kinds(_response_kind)
_RESPONSE_WITH_CORS: Final = _Kinds(partial(_response_kind, keep_cors=True))


@dataclass(slots=True)
class Fields:
    """A head, read once."""

    noted: dict[bytes, bytes]
    """Lower-case name to value, of the names that the gateway itself looks at; several are joined by a comma."""
    lines: list[bytes]
    """What passes, each line with its CRLF."""


def read_request(raw: Iterable[Field]) -> Fields:
    """What a request's head means to the gateway, and which of its lines go on."""
    return _read(raw, _REQUEST)


def read_response(raw: Iterable[Field], *, keep_cors: bool = False) -> Fields:
    """The same for a response's head; with `keep_cors` the service's own CORS headers go on, too."""
    return _read(raw, _RESPONSE_WITH_CORS if keep_cors else _RESPONSE)


def _read(raw: Iterable[Field], kinds: _Kinds) -> Fields:
    noted: dict[bytes, bytes] = {}
    lines: list[bytes] = []
    for name, value in raw:
        kind = kinds[name]
        if kind is _PASS:
            lines.append(b"%b: %b\r\n" % (name, value))
            continue
        if key := kind.key:
            noted[key] = value if key not in noted else b"%b, %b" % (noted[key], value)
        if kind.passes:
            lines.append(b"%b: %b\r\n" % (name, value))
    if (connection := noted.get(b"connection")) is not None and (named := hop_only(connection)):
        lines = [line for line in lines if line.partition(b":")[0].lower() not in named]
        for key in named:
            if kinds[key].passes:  # it is as if it had not been sent: a `Date` that goes no further has to be made
                noted.pop(key, None)
    return Fields(noted, lines)


_ORDINARY_OPTIONS: Final = frozenset({b"keep-alive", b"close", b"upgrade", b"te"})


def hop_only(connection: bytes) -> frozenset[bytes]:
    """The lower-case names of the fields that a `Connection` makes a matter of this hop."""
    return listed(connection) - _ORDINARY_OPTIONS - _PROTECTED


def listed(value: bytes) -> frozenset[bytes]:
    """The lower-case members of a comma-separated list."""
    return frozenset(item.strip().lower() for item in value.split(b",") if item.strip())


def request_framing(noted: dict[bytes, bytes]) -> bytes:
    """How the service is told where the body ends: as the client told us, in the one form that its parser has accepted."""
    if b"transfer-encoding" in noted:
        promised = b"Trailer: %b\r\n" % noted[b"trailer"] if b"trailer" in noted else b""
        return promised + b"Transfer-Encoding: chunked\r\n"
    length = noted.get(b"content-length")
    return b"" if length is None else b"Content-Length: %b\r\n" % length


_HEAD_ONLY: Final = frozenset(
    {b"trailer", b"content-range", b"content-encoding", b"set-cookie", b"authorization", b"cookie", b"www-authenticate"}
    | {
        b"cache-control",
        b"pragma",
        b"range",
        b"if-match",
        b"if-none-match",
        b"if-modified-since",
        b"if-unmodified-since",
    }
    | {b"if-range", b"age", b"expires", b"retry-after", b"vary", b"warning", b"host", b"content-type"}
)
"""What frames, routes, authenticates, modifies or describes a message comes too late in a trailer (RFC 9110 6.5.1); a receiver
that merges it into the head would act on it nevertheless. Names that the gateway itself looks at or removes need no mention."""


def request_trailers(raw: Iterable[Field]) -> bytes:
    """The lines after a request's last chunk, as far as they go on."""
    return _trailers(raw, _REQUEST)


def response_trailers(raw: Iterable[Field]) -> bytes:
    """The same of a response."""
    return _trailers(raw, _RESPONSE)


def _trailers(raw: Iterable[Field], kinds: _Kinds) -> bytes:
    return b"".join(
        b"%b: %b\r\n" % field for field in raw if kinds[field[0]] is _PASS and field[0].lower() not in _HEAD_ONLY
    )


def ends_here(noted: dict[bytes, bytes]) -> bool:
    """Whether an OPTIONS may go no further (RFC 9110 7.6.2)."""
    hops = noted.get(b"max-forwards", b"")
    return hops.isdigit() and not int(hops[:9])


def max_forwards_line(method: str, hops: bytes) -> bytes:
    """`Max-Forwards`, one less where it counts, which is for OPTIONS; TRACE is never forwarded."""
    if method == "OPTIONS" and hops.isdigit():
        hops = b"%d" % (int(hops[:9]) - 1)
    return b"Max-Forwards: %b\r\n" % hops


def missing_security(noted: dict[bytes, bytes]) -> bytes:
    """The security lines that the service did not send itself."""
    return b"".join(b"%b: %b\r\n" % field for field in SECURITY if field[0].lower() not in noted)


def cors_fields(noted: dict[bytes, bytes]) -> list[Field]:
    """A service's own CORS headers, names in lower case."""
    return [field for field in noted.items() if field[0].startswith(b"access-control-")]


def rewritten_location(location: bytes, origins: Iterable[bytes], client: bytes) -> bytes:
    """A `Location` that names the service's own origin, made to name ours: the browser would follow it past the gateway and
    send `Origin: null` (DESKTOP.md 2). Others are left alone, a path alone among them, of which nobody knows whether it counts
    with the stripped prefix.

    Args:
        origins: without a slash at the end, as `http://host:port`; a `Location` may leave out the scheme.
        client: our own, with the prefix; the prefix alone for a client that does not say what it calls us.
    """
    for origin in origins:
        for named in (origin, origin[origin.index(b"//") :]):
            size = len(named)
            if location[:size].lower() == named and location[size : size + 1] in (b"", b"/", b"?", b"#"):
                whole = client + location[size:]
                return whole if whole[:1] not in (b"", b"?", b"#") else b"/" + whole
    return location
