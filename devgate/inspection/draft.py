"""A request as a text that a person can change, and back.

The text is what a face shows, so its secrets are masked. Whatever the person left as it was is sent as it was, with the secret
that only the gateway knows; a mask in something that was changed is refused, because nobody means to send asterisks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devgate.errors import CommandError
from devgate.inspection.layout import pretty
from devgate.redact import MASK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devgate.model.detail import RequestDetail

Pair = tuple[bytes, bytes]

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 5.6.2
_FRAMING: Final = frozenset({"content-length", "transfer-encoding", "connection", "expect", "x-request-id"})
"""Made anew for the new request."""


@dataclass(frozen=True, slots=True)
class Known:
    """The request as it came, which never leaves the gateway."""

    method: str
    target: bytes
    fields: Sequence[Pair]
    body: bytes


@dataclass(frozen=True, slots=True)
class Outgoing:
    method: str
    target: bytes
    fields: tuple[Pair, ...]
    """Without what frames the body."""
    body: bytes


def text_of(detail: RequestDetail) -> str:
    """What is given to an editor."""
    lines = [f"{detail.row.method} {detail.row.path}"]
    lines += [f"{field.name}: {field.value}" for field in detail.request if field.name.lower() not in _FRAMING]
    return "\n".join(lines) + "\n\n" + pretty(detail.request_body.text)


def same(known: Known) -> Outgoing:
    """The request again, as it was."""
    fields = tuple(pair for pair in known.fields if pair[0].decode("latin-1").lower() not in _FRAMING)
    return Outgoing(known.method, known.target, fields, known.body)


def outgoing(text: str, detail: RequestDetail, known: Known) -> Outgoing:
    """What to send for an edited text.

    Raises:
        CommandError: it is not a request, or a mask stands in what was changed.
    """
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    first, *lines = head.strip("\n").split("\n")
    words = first.split(" ")
    if len(words) not in (2, 3) or not _TOKEN.fullmatch(words[0]) or not words[1].startswith("/"):
        raise _refused("the first line must be a method and a path, as in: GET /api/users")
    target = known.target if words[1] == detail.row.path else _sent("path", words[1], spaces=False)
    shown = {(field.name.lower(), field.value): pair for field, pair in zip(detail.request, known.fields, strict=True)}
    fields: list[Pair] = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name):
            raise _refused(f"this is no header: {line[:60]!r}; an empty line must stand before the body")
        value = value.strip(" \t")
        if name.lower() not in _FRAMING:
            kept = shown.get((name.lower(), value))
            fields.append(kept or (name.encode(), _sent(name, value)))
    return Outgoing(words[0], target, tuple(fields), _body(body, detail, known))


def _body(text: str, detail: RequestDetail, known: Known) -> bytes:
    shown = detail.request_body
    before = pretty(shown.text)
    if text.rstrip("\n") == before.rstrip("\n"):
        return known.body
    if MASK in text and MASK in before:
        raise _refused("the body was changed and still holds a mask: write the secret, or leave the body as it was")
    # An editor ends a file with a line end, which the body need not have had.
    return (text if before.endswith("\n") else text.removesuffix("\n")).encode()


def _sent(name: str, value: str, *, spaces: bool = True) -> bytes:
    if MASK in value:
        raise _refused(f"{name} was changed and still holds a mask: write the secret, or leave the line as it was")
    if not value.isprintable() or (not spaces and " " in value):
        raise _refused(f"{name} holds characters that cannot be sent")
    return value.encode()


def _refused(message: str) -> CommandError:
    return CommandError(message, code="bad-request", status=400)
