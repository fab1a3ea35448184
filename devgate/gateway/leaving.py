"""A client that leaves before it has its answer, as the record has it.

Where no answer had begun the status is `CLIENT_LEFT`. Otherwise it is the service's, and `error` says that it has not arrived as
a whole. Either way the breaker hears nothing: a client that leaves says nothing of the service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devgate.gateway.capture import Note
from devgate.gateway.under_way import state_of
from devgate.inspection.answers import answer_of
from devgate.model.query import CLIENT_LEFT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devgate.gateway.exchange import Exchange
    from devgate.gateway.headers import Field


def depart(exchange: Exchange) -> None:
    """Note how far a request is whose client has gone. Afterwards, when everything is called off, nobody knows."""
    exchange.error = "client-left"
    stage, how = _how_far(exchange)
    exchange.traced().why = (stage, f"The client left {how}.", "")
    if not exchange.started:
        exchange.status = CLIENT_LEFT


def _how_far(exchange: Exchange) -> tuple[str, str]:
    """The step that it was at, and the same in words."""
    service = exchange.lane.backend.name if exchange.lane is not None else "the service"
    state = state_of(exchange)
    if state == "answering":
        length = _length(answer_of(exchange.answered).fields)
        return "answer", f"in the middle of the answer, after {exchange.sent}{length} bytes"
    if state == "held":
        return "lifecycle", f"while it was held until {service} is ready"
    if state == "queued":
        return "connect", f"while it waited for a connection to {service}"
    if exchange.body is not None and not exchange.body.is_eof():
        return (
            "request",
            f"in the middle of its own upload, after {exchange.received}{_length(exchange.raw_headers)} bytes",
        )
    if state == "waiting":
        return "answer", f"before {service} had begun to answer"
    notes = [step for step in exchange.traced().steps if isinstance(step, Note)]
    return "gateway", f"while devgate was busy with it{f': {notes[-1].step}' if notes else ''}"


def _length(fields: Sequence[Field]) -> str:
    """` of 1000`; empty where it was not said."""
    said = next((value for name, value in fields if name.lower() == b"content-length"), b"")
    return f" of {int(said)}" if said.isdigit() else ""
