"""What is known of a request, finished or not, as `RequestDetail`: taken apart, explained and redacted. Pure, and slow enough for
a thread: to search 64 KiB of text for secrets takes 20 ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from devgate.gateway.capture import KEPT, PLAIN
from devgate.gateway.decisions import decisions
from devgate.inspection import messages
from devgate.inspection.answers import Answer, answer_of, pairs
from devgate.inspection.bodies import body_of
from devgate.model.detail import Body, Field, Message, Phase, RequestDetail
from devgate.redact import redact_text, redact_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devgate.gateway.capture import Raw
    from devgate.gateway.headers import Field as Pair
    from devgate.gateway.table import Explanation
    from devgate.model.query import RequestRow

GONE: Final = "headers and bodies are no longer held: newer requests have taken their room"


def detail_of(row: RequestRow, raw: Raw | None, url: str, found: Explanation | None = None) -> RequestDetail:
    """Everything that may be told of a request.

    Args:
        raw: None if it is gone.
        url: of the gateway.
        found: see `decisions`.
    """
    if raw is None:
        return RequestDetail(
            row, url, phases=_phases(row, None), decisions=tuple(decisions(row, None, found)), note=GONE
        )
    answer = answer_of(raw.answer)
    line, *before = raw.sent[0].split(b"\r\n") if raw.sent[0] else [b""]
    listed, cut = _messages(row, raw, answer)
    return RequestDetail(
        row,
        url,
        peer=raw.peer,
        http="1.0" if raw.http10 else "1.1",
        request=_fields(raw.fields),
        request_body=Body(row.request_bytes)
        if row.kind == "websocket"
        else body_of(raw.fields, raw.upload, row.request_bytes),
        sent_line=redact_text(line.decode("utf-8", "backslashreplace")),
        sent=_fields(pairs([*before, *raw.sent[1].split(b"\r\n")])),
        reason=answer.reason if answer.status == row.status else "",
        response=_fields(answer.fields),
        response_body=_answered(row, answer),
        messages=listed,
        messages_cut=cut,
        phases=_phases(row, raw),
        decisions=tuple(decisions(row, raw, found)),
    )


def _answered(row: RequestRow, answer: Answer) -> Body:
    if row.kind == "websocket":
        return Body(row.response_bytes)
    body = body_of(answer.fields, answer.body, row.response_bytes)
    # The list of messages tells it better.
    return Body(body.size, body.type, cut=body.cut) if row.kind == "sse" else body


def _messages(row: RequestRow, raw: Raw, answer: Answer) -> tuple[tuple[Message, ...], bool]:
    if row.kind == "sse":
        return messages.events(answer.body), row.response_bytes > len(answer.body)
    if row.kind == "websocket":
        return messages.frames(raw.trace.frames), max(row.request_bytes, row.response_bytes) > KEPT
    return (), False


def _fields(fields: Iterable[Pair]) -> tuple[Field, ...]:
    return tuple(_field(name.decode("latin-1"), _text(value)) for name, value in fields)


def _field(name: str, value: str) -> Field:
    return Field(name, redact_value(name, value))


def _text(value: bytes) -> str:
    """UTF-8 where it is, else every byte a character (RFC 9110 5.5 knows only bytes here)."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _phases(row: RequestRow, raw: Raw | None) -> tuple[Phase, ...]:
    """Where the time went. What is shorter than the clock tells is part of what follows it."""
    trace, total = raw.trace if raw is not None else PLAIN, row.duration_ms
    held = min(row.held_ms, total)
    if raw is None or not raw.sent[0]:
        sent = answered = held
    else:
        sent = max(min(trace.sent_s * 1000, total), held)
        answered = max(min(trace.answered_s * 1000, total), sent) if trace.answered_s else total
    found: list[Phase] = []
    at = 0.0
    names: tuple[Literal["held", "retried", "connected", "waited", "answered"], ...]
    names = ("held", "retried" if trace.trials else "connected", "waited", "answered")
    for name, end in zip(names, (held, sent, answered, total), strict=True):
        if end > at:
            found.append(Phase(name, at, end - at))
            at = end
    return tuple(found)
