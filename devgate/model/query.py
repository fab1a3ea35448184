"""What is pulled from the rings: log lines and requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

CLIENT_LEFT: Final = 499
"""nginx's number for a request whose client left before an answer began. It is for the record: nobody is ever sent it."""


@dataclass(frozen=True, slots=True)
class LogLine:
    seq: int
    """Grows by one for each line of the service (of all services in a merged slice)."""
    at: float
    """Seconds since the epoch."""
    service: str
    replica: int
    stream: Literal["out", "err", "mark"]
    """`mark` is devgate's own: a new run, an end, skipped lines."""
    text: str
    """Decoded, without the line end; may hold SGR colour sequences, nothing else that acts on a terminal."""
    run: int


@dataclass(frozen=True, slots=True)
class LogSlice:
    lines: tuple[LogLine, ...]
    first: int
    """Sequence number of the oldest line still held."""
    next: int
    """Ask after this one next time."""
    dropped: int
    """Lines between the asked one and the first given that are gone."""
    unfinished: str = ""
    """What stands behind the last line without a line end, of one service with a terminal: a question, what is typed."""


RequestName = int | str
"""What a request is asked for by: its number, or its id as long as it is under way and has none."""
RequestState = Literal["done", "gateway", "held", "queued", "waiting", "answering"]
"""How far a request is. `gateway`: devgate itself is busy with it, or delays it as a fault wants it; `held`: its service is not
there yet; `queued`: for a connection to it; `waiting`: for its answer, of which some bytes are out when it is `answering`."""


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One request, as lists show it."""

    seq: int
    """Its number among the finished ones; 0 while it is under way."""
    at: float
    """Seconds since the epoch at arrival."""
    request_id: str
    method: str
    path: str
    """Raw, with the query; redacted."""
    status: int
    """0 while it is not known, and where devgate stopped before; `CLIENT_LEFT` where the client did not wait for one."""
    route: str
    service: str
    replica: int
    duration_ms: float
    """So far, while it is under way."""
    held_ms: float
    request_bytes: int
    response_bytes: int
    error: str
    """Slug of the problem that devgate answered with; empty if the service answered."""
    kind: Literal["http", "sse", "websocket"] = "http"
    state: RequestState = "done"

    @property
    def name(self) -> RequestName:
        return self.seq if self.state == "done" else self.request_id


@dataclass(frozen=True, slots=True)
class RequestPage:
    rows: tuple[RequestRow, ...]
    next: int
    total: int
    under_way: tuple[RequestRow, ...] = ()
    """Not finished, the oldest first; only if they were asked for."""
