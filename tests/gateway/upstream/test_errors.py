import errno
import socket
import ssl

import pytest

from devgate.errors import DevgateError
from devgate.gateway.upstream.errors import Kind, Stage, UpstreamError, connect_error


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), Kind.CONNECT_REFUSED),
        (OSError(errno.EHOSTUNREACH, "No route to host"), Kind.CONNECT_REFUSED),
        (OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address"), Kind.CONNECT_REFUSED),
        (OSError("no number"), Kind.CONNECT_REFUSED),
        (TimeoutError(), Kind.CONNECT_TIMEOUT),
        (TimeoutError(errno.ETIMEDOUT, "Connection timed out"), Kind.CONNECT_TIMEOUT),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), Kind.DNS),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), Kind.TLS),
        (ssl.SSLCertVerificationError(1, "certificate verify failed"), Kind.TLS),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), Kind.RESET),
        (OSError(errno.EMFILE, "Too many open files"), Kind.OVERLOADED),
    ],
)
def test_what_the_library_raises_is_translated(raised: OSError, kind: Kind) -> None:
    error = connect_error(raised, "127.0.0.1:80")
    assert (error.kind, error.code, error.stage) == (kind, kind.value, Stage.CONNECT)
    assert "127.0.0.1:80" in error.message
    assert not error.sent_any


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_its_status(kind: Kind) -> None:
    error = UpstreamError(kind, Stage.HEAD, "why")
    assert isinstance(error, DevgateError)
    expected = 504 if kind.value.endswith("timeout") else 503 if kind is Kind.OVERLOADED else 502
    assert (error.status, str(error)) == (expected, "why")


@pytest.mark.parametrize(
    ("kind", "stage", "facts", "idempotent", "other"),
    [
        (Kind.RESET, Stage.SEND, {"reused": True}, True, True),  # nothing was sent
        (Kind.RESET, Stage.SEND, {}, True, True),
        (Kind.RESET, Stage.HEAD, {"sent_any": True, "reused": True}, True, False),
        (Kind.RESET, Stage.SEND, {"sent_any": True, "reused": True}, True, False),
        (Kind.RESET, Stage.HEAD, {"sent_any": True}, False, False),  # a fresh connection: the service has failed
        (Kind.RESET, Stage.CONNECT, {}, False, False),
        (Kind.TRUNCATED, Stage.BODY, {"sent_any": True, "received_any": True, "reused": True}, False, False),
        (Kind.RESET, Stage.HEAD, {"sent_any": True, "received_any": True, "reused": True}, False, False),
        (Kind.RESPONSE_TIMEOUT, Stage.HEAD, {"sent_any": True, "reused": True}, False, False),
        (Kind.BAD_RESPONSE, Stage.HEAD, {"sent_any": True, "reused": True}, False, False),
    ],
)
def test_what_may_be_sent_once_more(
    kind: Kind, stage: Stage, facts: dict[str, bool], idempotent: bool, other: bool
) -> None:
    error = UpstreamError(kind, stage, "", **facts)
    assert error.replayable(idempotent=True) is idempotent
    assert error.replayable(idempotent=False) is other
