"""One request as it came in: its head as sent, its body as a count and a digest."""

from __future__ import annotations

import hashlib
from typing import Final

KEPT_BODY_LIMIT: Final = 64 * 1024
"""Bytes of a body that is kept at all."""


class Request:
    """Filled by the connection while it arrives; read by everybody else. Text is latin-1, so that each byte is kept."""

    __slots__ = (
        "_digest",
        "arrived",
        "awaits_continue",
        "body_bytes",
        "ended",
        "headers",
        "keep_alive",
        "keeps_body",
        "kept",
        "method",
        "target",
        "trailers",
        "upgrade",
        "version",
    )

    def __init__(
        self,
        method: str,
        target: str,
        headers: list[tuple[str, str]],
        *,
        version: str = "1.1",
        keep_alive: bool = True,
        upgrade: bool = False,
        arrived: float = 0.0,
    ) -> None:
        self.method = method
        self.target = target
        """Everything between the method and the version, as sent."""
        self.headers = headers
        self.version = version
        self.keep_alive = keep_alive
        self.upgrade = upgrade
        """It asks for a WebSocket."""
        self.arrived = arrived
        """When its head was complete, in monotonic seconds."""
        self.awaits_continue = version == "1.1" and any(v.lower() == "100-continue" for v in self.values("expect"))
        self.trailers: list[tuple[str, str]] = []
        self.body_bytes = 0
        self.keeps_body = False
        """Set for the few requests whose body is read and not only hashed."""
        self.kept = bytearray()
        self.ended = False
        """Its last byte has arrived."""
        self._digest = hashlib.sha256()

    @property
    def path(self) -> str:
        """The target up to the query, not decoded; without the origin where the target is in absolute form."""
        path = self.target.partition("?")[0]
        if path.startswith(("/", "*")) or "://" not in path:
            return path
        return "/" + path.partition("://")[2].partition("/")[2]

    @property
    def query(self) -> str:
        """What follows the first question mark, not decoded."""
        return self.target.partition("?")[2]

    def values(self, name: str) -> list[str]:
        """The header field's lines, in order. `name` is in lower case."""
        return [value for given, value in self.headers if given.lower() == name]

    def feed(self, data: bytes) -> None:
        """Take a piece of the body."""
        self.body_bytes += len(data)
        self._digest.update(data)
        if self.keeps_body and self.body_bytes <= KEPT_BODY_LIMIT:
            self.kept += data

    @property
    def body_sha256(self) -> str:
        """Digest of the body so far, in hex."""
        return self._digest.hexdigest()
