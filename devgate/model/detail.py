"""One finished request with all that is known about it: how it travels, redacted, to whoever looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from devgate.model.query import RequestRow

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Field:
    """A header, in the order and case in which it came."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Body:
    """What is known of a body. At most one of `text` and `base64` is there."""

    size: int = 0
    """Bytes that passed, as counted; more than what is shown where it was cut."""
    type: str = ""
    """Media type without parameters, in lower case."""
    text: str = ""
    base64: str = ""
    """Pictures, sound, fonts: what is no text and can be shown to hold none."""
    cut: bool = False
    """Whether what is here is only the beginning."""
    note: str = ""
    """Why there is less than there could be; empty if there is not."""


@dataclass(frozen=True, slots=True)
class Message:
    """One server-sent event or WebSocket message."""

    sender: Literal["client", "service"]
    kind: Literal["text", "binary", "event", "comment", "ping", "pong", "close"]
    size: int
    """Bytes of its payload."""
    text: str = ""
    name: str = ""
    """Of an event."""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of the time that a request took."""

    name: Literal["held", "retried", "connected", "waited", "answered"]
    at_ms: float
    """Since the arrival of its head."""
    took_ms: float


@dataclass(frozen=True, slots=True)
class Decision:
    """What one step of the gateway decided, and why."""

    step: str
    text: str
    mood: Literal["plain", "warn", "bad"] = "plain"


@dataclass(frozen=True, slots=True)
class RequestDetail:
    """What is remembered of one request. Of old ones the bytes are gone, and `note` says so."""

    row: RequestRow
    url: str = ""
    """Of the gateway, without a slash at the end."""
    peer: str = ""
    http: str = "1.1"
    request: tuple[Field, ...] = ()
    request_body: Body = Body()
    sent_line: str = ""
    """The request line as the service got it; empty if it was not sent to one."""
    sent: tuple[Field, ...] = ()
    """Headers as the service got them."""
    reason: str = ""
    response: tuple[Field, ...] = ()
    """Headers as the client got them."""
    response_body: Body = Body()
    messages: tuple[Message, ...] = ()
    messages_cut: bool = False
    phases: tuple[Phase, ...] = ()
    decisions: tuple[Decision, ...] = ()
    note: str = ""

    @property
    def target(self) -> str:
        """The whole address that was asked for."""
        return self.row.path if "://" in self.row.path.partition("?")[0] else self.url + self.row.path


@dataclass(frozen=True, slots=True)
class Replayed:
    """How a request went that was sent again."""

    request_id: str
    status: int
    """0: there was no answer."""
    seq: int
    """Its own number among the finished requests; 0 while it is not finished."""


def first(fields: Iterable[Field], name: str) -> str:
    """Value of the first field of this name; empty if there is none."""
    wanted = name.lower()
    return next((field.value for field in fields if field.name.lower() == wanted), "")
