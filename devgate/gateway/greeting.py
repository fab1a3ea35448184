"""The header fields of a request, and what the rules say to them.

Requests on one connection tend to repeat their fields to the letter: a page that polls, an API client, a browser that loads
a list. So a connection keeps the greeting of its last request, and one that comes with the same fields is not read again; to find
them equal costs a tenth of reading them. (HPACK, RFC 7541, lives off the same habit.) Nothing here depends on the request line.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final

from devgate.gateway.headers import read_request, request_framing
from devgate.policy.host import HostVerdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devgate.gateway.headers import Field
    from devgate.gateway.rules import Rules
    from devgate.policy.cors import Verdict

FIELD_COST: Final = 128
"""Bytes that the objects of a header take beside its characters: two `bytes` and a tuple."""


@dataclass(slots=True)
class Greeting:
    """Never changed once made. Not frozen, because that costs four times as much to make."""

    raw: Sequence[Field]
    """As they came."""
    rules: Rules
    noted: dict[bytes, bytes]
    """See `headers.Fields`."""
    passing: bytes
    """What goes on to the service, whoever that is, with the body's framing."""
    host: bytes
    """What the client calls us."""
    called: HostVerdict
    size: int
    """Bytes that `raw` takes, its objects included."""
    cors: Verdict | None
    """None for a host that is not ours: it is not even told so much."""


def greet(raw: Sequence[Field], rules: Rules) -> Greeting:
    fields = read_request(raw)
    noted = fields.noted
    fields.lines.append(request_framing(noted))
    host = noted.get(b"host", b"")
    called = rules.hosts.judge(host)
    known = called is HostVerdict.OURS or not host
    cors = rules.cors.judge(noted.get(b"origin"), host) if known else None
    return Greeting(raw, rules, noted, b"".join(fields.lines), host, called, size_of(raw), cors)


def size_of(raw: Sequence[Field]) -> int:
    return FIELD_COST * len(raw) + sum(map(len, chain.from_iterable(raw)))
