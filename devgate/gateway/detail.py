"""What is known of a request, finished or not, as `RequestDetail`: taken apart, explained and redacted. Pure, and slow enough for
a thread: to search 64 KiB of text for secrets takes 20 ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from devgate.gateway.capture import KEPT, PLAIN
from devgate.inspection import messages
from devgate.inspection.answers import Answer, answer_of, pairs
from devgate.inspection.bodies import body_of
from devgate.model.detail import Body, Decision, Field, Message, Phase, RequestDetail
from devgate.redact import redact_text, redact_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devgate.gateway.capture import Raw, Trial
    from devgate.gateway.headers import Field as Pair
    from devgate.model.query import RequestRow

_ENDS: Final = {
    "cut": "ended by devgate, because the service or devgate itself stops",
    "truncated": "the service broke off in the middle of its answer",
}
"""What ended a request without an answer of the gateway."""
GONE: Final = "headers and bodies are no longer held: newer requests have taken their room"
_RESCUES: Final = frozenset({"fault", "fallback", "garbage", "retry"})
"""Steps that mean that something has failed."""
_SO_FAR: Final = {
    "gateway": "devgate has not sent it on yet",
    "held": "{} is not ready",
    "queued": "no connection to {} is free",
    "waiting": "{} has not answered yet",
}
"""What a request under way waits for, by its state."""
_THEN: Final = {
    "replay": "sent again on another connection",
    "wait": "waited, then sent again",
    "give up": "given up",
    "retry": "tried again",
    "refused": "kept from the client",
}


def detail_of(row: RequestRow, raw: Raw | None, url: str) -> RequestDetail:
    """Everything that may be told of a request.

    Args:
        raw: None if it is gone.
        url: of the gateway.
    """
    if raw is None:
        return RequestDetail(row, url, phases=_phases(row, None), decisions=tuple(_decisions(row, None)), note=GONE)
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
        decisions=tuple(_decisions(row, raw)),
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


def _decisions(row: RequestRow, raw: Raw | None) -> Iterable[Decision]:
    """What was decided, in the order of the steps."""
    trace = raw.trace if raw is not None else PLAIN
    stage, sentence, hint = trace.why
    said = f"{row.error}: {sentence}" + (f" ({hint})" if hint else "") if sentence else _ENDS.get(row.error, row.error)
    left = row.error == "client-left"
    refused = Decision(stage or "answer", redact_text(said), "warn" if left else "bad")
    if left and row.kind != "http":  # a stream has no other end
        refused = Decision("answer", f"{row.status} from {row.service or 'devgate'}, until the client ended it")
    if raw is not None and raw.cors is not None:
        yield _origin(raw)
    if row.route:
        yield Decision("route", f"{row.route} leads to {row.service}")
    elif not row.error and row.state == "done":
        yield Decision("route", "none: devgate answered for itself")
    if row.held_ms:
        yield Decision("lifecycle", f"held for {row.held_ms:,.0f} ms{_held_until(row, raw)}", "warn")
    if trace.probe:
        yield Decision("breaker", f"half open: this request tried whether {row.service} works again", "warn")
    for trial in trace.trials:
        yield _failed(trial)
    for step, text in trace.steps:
        yield Decision(step, redact_text(text), "warn" if step in _RESCUES else "plain")
    if row.replica >= 0 and (raw is None or raw.sent[0]):
        nth = f"attempt {len(trace.trials) + 1}: " if trace.trials and not row.error else ""
        yield Decision("attempt", f"{nth}sent to {row.service} #{row.replica}")
    if row.error:
        yield refused
    elif row.state in _SO_FAR:
        yield Decision("answer", f"none yet: {_SO_FAR[row.state].format(row.service)}", "warn")
    elif row.status:
        going_on = "" if row.state == "done" else ", which goes on"
        yield Decision("answer", f"{row.status} from {row.service or 'devgate'}{going_on}")


def _held_until(row: RequestRow, raw: Raw | None) -> str:
    if row.state == "held":
        return " so far"
    if row.replica >= 0 and (raw is None or raw.sent[0]):
        return f" until {row.service} came back"
    return f", and {row.service} did not come back in that time"


def _origin(raw: Raw) -> Decision:
    verdict = raw.cors
    assert verdict is not None
    if not verdict.origin:
        return Decision("cors", "no Origin: it does not come from a page")
    origin = redact_text(verdict.origin.decode("latin-1"))
    if verdict.allowed:
        return Decision("cors", f"{origin} is allowed")
    return Decision("cors", f"{origin} is not allowed, so its page cannot read the answer", "warn")


def _failed(trial: Trial) -> Decision:
    then = _THEN.get(trial.then, trial.then)
    return Decision("attempt", f"#{trial.replica} {trial.kind}: {redact_text(trial.detail)}; {then}", "warn")
