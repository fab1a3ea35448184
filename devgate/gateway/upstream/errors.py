"""How a service can fail us, and what that says about sending the request once more.

Everything that asyncio, ssl, the resolver and the parser raise becomes an `UpstreamError` here or in the module that calls them;
nothing of theirs passes this package. The kinds are the slugs of SEMANTICS 3.15, so that an answer, a record and a breaker speak
of the same thing.
"""

from __future__ import annotations

import errno
import socket
import ssl
from enum import StrEnum

from devgate.errors import DevgateError


class Kind(StrEnum):
    """What failed."""

    CONNECT_REFUSED = "connect-refused"
    """Nobody listens, or no way leads there."""
    CONNECT_TIMEOUT = "connect-timeout"
    DNS = "dns"
    TLS = "tls"
    RESET = "reset"
    """Lost before the first byte of an answer. What breaks off later is `TRUNCATED`."""
    BAD_RESPONSE = "bad-response"
    TRUNCATED = "truncated"
    RESPONSE_TIMEOUT = "response-timeout"
    UPGRADE_FAILED = "upgrade-failed"
    """A 101 that upgrades to nothing. A refused upgrade is an ordinary answer."""
    OVERLOADED = "overloaded"
    """No connection became free in time, or this machine has no descriptor left: not the service's fault."""
    PROHIBITED = "target-prohibited"
    """The name leads to an address that may not be dialled (RFC 9209 2.3.5, `destination_ip_prohibited`)."""


STATUS = {
    Kind.CONNECT_TIMEOUT: 504,
    Kind.RESPONSE_TIMEOUT: 504,
    Kind.OVERLOADED: 503,
}
"""HTTP status of the answer to the client; every other kind is 502 (RFC 9209 advises the same)."""


class Stage(StrEnum):
    """How far the exchange had come."""

    CONNECT = "connect"
    SEND = "send"
    """The request is not sent to its end, and no answer has begun."""
    HEAD = "head"
    BODY = "body"


class UpstreamError(DevgateError):
    """An exchange with a service that did not come to its end."""

    def __init__(
        self,
        kind: Kind,
        stage: Stage,
        detail: str,
        *,
        sent_any: bool = False,
        received_any: bool = False,
        reused: bool = False,
    ) -> None:
        super().__init__(detail, code=kind.value, status=STATUS.get(kind, 502))
        self.kind = kind
        self.stage = stage
        self.detail = detail
        """One sentence of ours; holds no byte that the service sent."""
        self.sent_any = sent_any
        """Bytes of the request may have reached the service."""
        self.received_any = received_any
        """At least one byte of an answer, an informational one included, has come."""
        self.reused = reused
        """The connection had served before, so that a service which closed it while it was idle is the likely cause."""

    def replayable(self, *, idempotent: bool) -> bool:
        """Whether the same request may be sent once more, at once and without a word, on another connection.

        True where a kept connection turned out to be dead: always when nothing was sent, else for idempotent methods only (RFC
        9112 9.3.1). A POST that may have arrived is never sent twice. This is no retry: a service that fails on a fresh
        connection has failed.
        """
        if self.kind is not Kind.RESET or self.received_any or self.stage is Stage.CONNECT:
            return False
        return not self.sent_any or (idempotent and self.reused)


OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""What this process or machine has run out of. Not EADDRNOTAVAIL: local ports may be used up, but there may be no IPv6, too."""


def connect_error(error: OSError, where: str) -> UpstreamError:
    """The translation of what a resolver, a socket or a TLS handshake raised while `where` was dialled."""
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or "the handshake failed"
        return UpstreamError(Kind.TLS, Stage.CONNECT, f"TLS with {where} failed: {reason}")
    if isinstance(error, socket.gaierror):
        return UpstreamError(Kind.DNS, Stage.CONNECT, f"the name of {where} cannot be resolved")
    if isinstance(error, TimeoutError):
        return UpstreamError(Kind.CONNECT_TIMEOUT, Stage.CONNECT, f"connecting to {where} took too long")
    if error.errno in OURS:
        return UpstreamError(Kind.OVERLOADED, Stage.CONNECT, f"no socket left to connect to {where}: {error.strerror}")
    if isinstance(error, ConnectionResetError | ConnectionAbortedError | BrokenPipeError):
        return UpstreamError(Kind.RESET, Stage.CONNECT, f"{where} closed the connection as soon as it was made")
    if isinstance(error, ConnectionRefusedError):
        return UpstreamError(Kind.CONNECT_REFUSED, Stage.CONNECT, f"nobody listens on {where}")
    reason = error.strerror or type(error).__name__
    return UpstreamError(Kind.CONNECT_REFUSED, Stage.CONNECT, f"no connection to {where}: {reason}")
