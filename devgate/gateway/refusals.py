"""How large the parts of a request's head may be, and what the parser's refusals mean in our words."""

from __future__ import annotations

from typing import Final

from aiohttp.http_exceptions import BadHttpMethod, HttpProcessingError, LineTooLong

TARGET_LIMIT: Final = 8_192
FIELD_LIMIT: Final = 8_190
"""Bytes of one header field. Not equal to `TARGET_LIMIT`: the limit is all that tells which of the two was too long."""
FIELDS_LIMIT: Final = 128


def told(error: BaseException) -> tuple[str, str]:
    """Slug and sentence for what aiohttp's parser says; without the client's bytes, which it quotes."""
    if isinstance(error, LineTooLong):
        if error.args[1] == TARGET_LIMIT:
            return "uri-too-long", f"The request target is longer than {TARGET_LIMIT} bytes."
        return "headers-too-large", f"A header field is longer than {FIELD_LIMIT} bytes."
    if isinstance(error, BadHttpMethod):
        if "HTTPS" in error.message:
            return "bad-request", "This is TLS; the gateway speaks plain http on this port."
        return "bad-request", "The request line names no known method."
    message = error.message if isinstance(error, HttpProcessingError) else str(error)
    if "PRI/Upgrade" in message or "HTTP/2" in message:
        return other_version((2, 0))
    if message == "Too many headers received":
        return "headers-too-large", f"There are more than {FIELDS_LIMIT} header fields."
    first = message.partition("\n")[0].partition(":")[0].strip(" .") or "it does not parse"
    return "bad-request", f"The request does not follow RFC 9112: {first[:80]}."


def other_version(version: tuple[int, int]) -> tuple[str, str]:
    """Slug and sentence for a version that is not spoken here. Not 505, which few clients expect: no such client gets further."""
    if version < (1, 0):
        return "bad-request", "The request line names no version of HTTP."
    return "bad-request", f"This is HTTP/{version[0]}; the gateway speaks HTTP/1.1 on this port."
