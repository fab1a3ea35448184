"""Bytes of a service into the parts of one response, strictly (RFC 9112). No IO.

llhttp parses. What it accepts and a gateway must not is refused here: versions other than 1.0 and 1.1 and other protocols,
statuses below 100, control bytes in the reason, transfer codings other than one `chunked`, framing fields among the trailers,
heads and trailers without end. Two equal Content-Lengths are refused by llhttp, although RFC 9112 6.3 would let us take them for
one. `tests/gateway/upstream/test_response.py` pins both halves, so that a laxer or stricter llhttp is noticed.

Taken as they come: field values with their trailing whitespace, obs-text, statuses up to 999, an empty or missing reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

import httptools

from devgate.gateway.upstream.errors import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

Fields: TypeAlias = list[tuple[bytes, bytes]]
"""Header or trailer fields as they came: order, case and repetitions kept."""

MAX_HEAD = 64 * 1024
"""Bytes of a status line and its fields; likewise of what may stand between two parts of a chunked body."""
MAX_FIELDS = 200

HEAD_END = b"\r\n\r\n"
CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
LENGTH = b"content-length"
CODING = b"transfer-encoding"
FRAMING_FIELDS = frozenset((LENGTH, CODING))


class Framing(Enum):
    """How the end of a body is found."""

    NONE = "none"
    """There is no body, whatever the fields say: HEAD, 204, 304, 1xx."""
    LENGTH = "length"
    CHUNKED = "chunked"
    EOF = "eof"


@dataclass(slots=True)
class ResponseHead:
    """A status line and its fields. Not frozen, because one is made for each answer and freezing costs four times as much."""

    version: str
    """`1.1` or `1.0`."""
    status: int
    reason: bytes
    headers: Fields
    framing: Framing
    length: int | None
    """Value of Content-Length, also where `framing` says that no body follows."""
    keep: bool
    """The service means to keep the connection after this answer."""


class _Stop(Exception):
    """Raised inside a parser callback to end the parsing; the reader's fields say why."""


class ResponseReader:
    """Reads one response after another.

    `begin`, then `feed` until `complete` or `fault`. What a `feed` found stands in `informational`, `head`, `pieces` and
    `trailers`; whoever takes it empties it. Parser callbacks only collect, they call nobody: httptools swallows what a callback
    raises, and a callee may want to end the exchange.
    """

    __slots__ = (
        "_expects_upgrade",
        "_fed",
        "_fields",
        "_in_body",
        "_interim",
        "_is_head",
        "_measure",
        "_parser",
        "_reason",
        "complete",
        "fault",
        "garbage",
        "head",
        "informational",
        "kind",
        "on_body",
        "pieces",
        "trailers",
    )

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        """Parts of the body, as long as the reads and chunks they came in; after a 101 the raw bytes behind it."""
        self.on_body: Callable[[bytes], None] = self.pieces.append  # for the parser: no Python frame per part
        self.informational: list[ResponseHead] = []
        self.begin()

    def begin(self, *, is_head: bool = False, expects_upgrade: bool = False) -> None:
        """The next bytes are the answer to a new request.

        A fresh parser each time: it costs 0.25 us, and nothing of the last answer is left in it. That matters after HEAD, which
        httptools cannot be told of, so that the parser is left in the middle of a body that will not come.
        """
        self.head: ResponseHead | None = None
        self.trailers: Fields = []
        self.complete = False
        self.garbage = False
        """Bytes followed the end of the response within the same `feed`."""
        self.fault = ""
        """Why this is no response; one sentence."""
        self.kind = Kind.BAD_RESPONSE
        """Of the fault."""
        self._is_head = is_head
        self._expects_upgrade = expects_upgrade
        self._interim = False
        self._measure = False
        self._in_body = False
        self._fed = 0
        self._reason = b""
        self._fields: Fields = []
        self.informational.clear()
        self.pieces.clear()
        self._parser = parser = httptools.HttpResponseParser(self)
        # `Connection: close` on a 1xx would end the parsing. What follows the answer itself is judged in on_message_begin.
        parser.set_dangerous_leniencies(lenient_keep_alive=True)

    @property
    def received(self) -> bool:
        """Any byte has come."""
        return self._fed > 0

    def feed(self, data: bytes) -> None:
        """Take what the socket gave; never empty."""
        if not self._fed and data[0] != 72:  # H: llhttp would also take RTSP and ICE, and skip empty lines
            self._fed = len(data)
            self.fault = "the answer does not begin with HTTP/"
            return
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if tail := data[upgrade.args[0] :]:
                self.pieces.append(tail)
            return
        except httptools.HttpParserCallbackError as error:
            if not isinstance(error.__context__, _Stop):
                raise error.__context__ or error from None  # a bug of ours, or an interrupt
            if self.complete:
                self.garbage = not (self._is_head and HEAD_END.endswith(data[-4:]))
            return
        except httptools.HttpParserError as error:
            if self.complete:
                self.garbage = True
            else:
                self.fault = f"the answer breaks the rules of HTTP/1.1: {error}"
            return
        if self._in_body:
            if self.pieces:
                self._fed = 1
            elif self._fed > MAX_HEAD and not self.complete:
                self.fault = f"more than {MAX_HEAD} bytes of chunk extensions or trailers"
        elif self._fed > MAX_HEAD:
            self.fault = f"the head of the answer is larger than {MAX_HEAD} bytes"

    def _refuse(self, fault: str, kind: Kind = Kind.BAD_RESPONSE) -> _Stop:
        self.fault = fault
        self.kind = kind
        return _Stop()

    # Called by the parser

    def on_message_begin(self) -> None:
        if self.complete:
            raise _Stop
        self._fields = []
        self._reason = b""

    def on_status(self, part: bytes) -> None:
        self._reason += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        parser = self._parser
        fields = self._fields
        reason = self._reason
        status = parser.get_status_code()
        version = parser.get_http_version()
        keep = parser.should_keep_alive()  # only here: once the message is complete the answer is always False
        if version != "1.1" and version != "1.0":
            raise self._refuse("the answer is neither HTTP/1.1 nor HTTP/1.0")
        if status < 100:
            raise self._refuse("the status of the answer is below 100")
        if reason != b"OK" and CONTROL.search(reason):
            raise self._refuse("the reason phrase holds control bytes")
        if len(fields) > MAX_FIELDS:
            raise self._refuse(f"the answer has more than {MAX_FIELDS} header fields")
        if (self._fed > MAX_HEAD or self._measure) and _size(fields) > MAX_HEAD:
            raise self._refuse(f"the head of the answer is larger than {MAX_HEAD} bytes")
        length = None
        chunked = False
        for name, value in fields:
            key = name.lower()
            if key in FRAMING_FIELDS:
                if key == LENGTH:
                    length = int(value)  # digits, once, and no transfer coding beside it: llhttp has seen to that
                elif chunked or value.strip(b" \t").lower() != b"chunked":
                    raise self._refuse("a transfer coding other than chunked, which nobody asked for")
                else:
                    chunked = True
        if keep and version == "1.0":
            keep = _persists(version, fields)  # llhttp overlooks a close beside the keep-alive
        if status < 200:
            self._on_interim(ResponseHead(version, status, reason, fields, Framing.NONE, length, keep))
            return
        framing = Framing.EOF
        if self._is_head:
            framing = Framing.NONE
            keep = _persists(
                version, fields
            )  # llhttp expects a body here, and without a length its end would be the close
        elif status == 204 or status == 304:
            framing = Framing.NONE
        elif chunked:
            framing = Framing.CHUNKED
            keep = (
                keep and version == "1.1"
            )  # RFC 9112 6.1: a coding in 1.0 is a mistake; read it, but trust it no further
        elif length is not None:
            framing = Framing.LENGTH
        self.head = ResponseHead(version, status, reason, fields, framing, length, keep)
        self._in_body = True
        self._fed = 1
        if self._is_head:
            self.complete = True
            raise _Stop
        self._fields = self.trailers

    def _on_interim(self, head: ResponseHead) -> None:
        self._interim = True
        if head.status != 101:
            self.informational.append(head)
        elif not self._expects_upgrade:
            raise self._refuse("101 for a request that asked for no upgrade")
        elif not self._parser.should_upgrade():
            raise self._refuse("101 without the fields Connection: upgrade and Upgrade", Kind.UPGRADE_FAILED)
        else:
            self.head = head
            self._in_body = True

    def on_message_complete(self) -> None:
        if self._interim:
            self._interim = False
            self._measure = True
            self._fed = (
                1  # the next head has a limit of its own; where it began in this read is not known, so it is measured
            )
            return
        if self.trailers:
            if len(self.trailers) > MAX_FIELDS or _size(self.trailers) > MAX_HEAD:
                raise self._refuse(f"the answer has more than {MAX_FIELDS} trailer fields or {MAX_HEAD} bytes of them")
            if any(name.lower() in FRAMING_FIELDS for name, _ in self.trailers):
                raise self._refuse("framing fields among the trailers")
        self.complete = True


def _size(fields: Fields) -> int:
    """Bytes that the fields take on the wire, give or take whitespace."""
    return sum(len(name) + len(value) + 4 for name, value in fields)


def _persists(version: str, fields: Fields) -> bool:
    """Whether the connection stays after an answer whose end is known (RFC 9112 9.3)."""
    options = {
        option.strip(b" \t").lower()
        for name, value in fields
        if name.lower() == b"connection"
        for option in value.split(b",")
    }
    return b"close" not in options and (version == "1.1" or b"keep-alive" in options)
