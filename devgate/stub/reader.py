"""Bytes to requests: httptools with the limits and rules that llhttp leaves to its user. No IO.

llhttp itself refuses both lengths at once, doubled or malformed ones, bare line feeds, folded lines, control bytes, bad chunks.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import httptools

from devgate.stub import websocket
from devgate.stub.request import Request

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD_LIMIT: Final = 64 * 1024
"""Bytes of a head, and likewise of what follows a body: trailers, chunk extensions."""


class RequestReader:
    """Reads the requests of one connection, in order."""

    def __init__(self, keeps_body: Callable[[str, str], bool]) -> None:
        self.requests: deque[Request] = deque()
        """Those whose head is complete; taken away by the connection. Only the last one may still be arriving."""
        self.refusal: tuple[int, str] | None = None
        """Status and reason for what came after `requests` and cannot be answered. The connection ends with it."""
        self.rest: bytes | None = None
        """After a request for a WebSocket: what has been received beyond it."""
        self._keeps_body = keeps_body
        self._parser = httptools.HttpRequestParser(self)
        self._now = 0.0
        self._current: Request | None = None
        self._target = b""
        self._fields: list[tuple[str, str]] = []
        self._size = 0
        self._unseen = 0
        self._is_last = False

    def feed(self, data: bytes, now: float) -> None:
        """Take what was received. Afterwards look at `requests`, `refusal` and `rest`."""
        self._now = now
        if self.rest is not None:
            self.rest += data
            return
        while data and self.refusal is None and not self._is_last:
            self._unseen += len(data)
            try:
                self._parser.feed_data(data)
                data = b""
            except httptools.HttpParserUpgrade as upgrade:
                data = self._after_upgrade(data[upgrade.args[0] :])
            except httptools.HttpParserError as error:
                if not self._is_last:  # what follows a last request is ignored
                    self._refuse(400, str(error))
        # A header field that never ends reaches no callback: only the bytes can be counted.
        if self._unseen > HEAD_LIMIT:
            self._refuse_head()

    def _after_upgrade(self, rest: bytes) -> bytes:
        """A request asks for another protocol, and the parser has skipped its body. What remains to be parsed."""
        request = self.requests[-1] if self.requests else None
        if request is None or self.refusal is not None:
            return b""
        if request.method == "CONNECT" or request.values("transfer-encoding") or request.values("content-length"):
            self.requests.pop()
            self._refuse(501, "CONNECT is not done here" if request.method == "CONNECT" else "an upgrade with a body")
            return b""
        if websocket.is_wanted(request):
            request.upgrade = True
            self.rest = rest
            return b""
        return rest  # h2c and the like may be ignored (RFC 9110 7.8)

    def _refuse(self, status: int, reason: str) -> None:
        if self.refusal is None:
            self.refusal = (status, reason)

    def _refuse_head(self) -> None:
        if len(self._target) > HEAD_LIMIT // 2:
            self._refuse(414, "the target is too long")
        else:
            self._refuse(431, f"more than {HEAD_LIMIT} bytes of header fields")

    # Called by httptools while it parses. An exception in one of them would stop the parser with an error that hides it.

    def on_message_begin(self) -> None:
        """A new head starts."""
        self._current = None
        self._target = b""
        self._fields = []
        self._size = 0

    def on_url(self, data: bytes) -> None:
        """A piece of the target."""
        self._target += data
        self._size += len(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header field, or a trailer field once the body is over."""
        self._size += len(name) + len(value)
        # The parser leaves what follows the value; it is no part of it (RFC 9112 5.1).
        self._fields.append((name.decode("latin-1"), value.rstrip(b" \t").decode("latin-1")))

    def on_headers_complete(self) -> None:
        """The head is complete."""
        version = self._parser.get_http_version()
        hosts = sum(name.lower() == "host" for name, _ in self._fields)
        if version not in ("1.0", "1.1"):
            self._refuse(505, f"HTTP/{version} is not spoken here")
        elif hosts > 1 or (hosts == 0 and version == "1.1"):
            self._refuse(400, f"{hosts} Host header fields")  # RFC 9112 3.2
        elif self._size > HEAD_LIMIT:
            self._refuse_head()
        if self.refusal is not None:
            return
        request = Request(
            self._parser.get_method().decode(),
            self._target.decode("latin-1"),
            self._fields,
            version=version,
            keep_alive=self._parser.should_keep_alive(),
            arrived=self._now,
        )
        request.keeps_body = self._keeps_body(request.method, request.path)
        self._current = request
        self._fields = request.trailers
        self._size = self._unseen = 0
        self.requests.append(request)

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        self._unseen = 0
        if self._current is not None:
            self._current.feed(data)

    def on_message_complete(self) -> None:
        """The request is complete."""
        self._unseen = 0
        if self._size > HEAD_LIMIT:
            self._refuse_head()
        if self._current is None or self.refusal is not None:
            return
        self._current.ended = True
        self._is_last = not self._current.keep_alive
