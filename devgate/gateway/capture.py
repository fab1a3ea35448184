"""The raw bytes of finished requests, as far as they are kept: references to what passed anyway, nothing copied, nothing parsed.

To keep them costs 1 us a request, and more than that later: memory that is given back after thousands of requests is in no cache
any more, about 0.1 us for each object. So a request is kept in few objects, and its header fields in those of its connection.

Bounded twice: a message is kept to its first `KEPT` bytes, and all together to `TOTAL`, of which the oldest leave first. Secrets
are in here; whatever leaves goes through `detail`. It is kept for replay, and for whoever asks what a page really sent.
"""

from __future__ import annotations

from collections import deque
from copy import copy
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devgate.gateway.exchange import Exchange
    from devgate.gateway.headers import Field
    from devgate.gateway.middleware.limits import Quota
    from devgate.policy.cors import Verdict

    _Entry = tuple[
        Sequence[Field],
        tuple[bytes, bytes],
        bytes | None,
        bytes,
        str,
        bool,
        Verdict | None,
        Quota | None,
        "Trace | None",
        int,
    ]

KEPT: Final = 64 * 1024
"""Bytes kept of a body, and of either direction of a WebSocket."""
ANSWER: Final = KEPT + 16 * 1024
"""Likewise of what was written to a client: its head and its chunks' sizes come on top."""
TOTAL: Final = 32 * 1024 * 1024
"""Bytes kept of all requests."""
ENTRY_COST: Final = 512
"""Bytes that the objects of an entry take beside what is in them."""


class Note(NamedTuple):
    """Something that was decided."""

    step: str
    text: str
    mood: Literal["plain", "warn"] = "plain"


class Trial(NamedTuple):
    """An attempt that did not succeed."""

    service: str
    replica: int
    kind: str
    detail: str
    then: str
    """What was decided on (`policy.rescue.Rescue`)."""


NEVER: Final = -1.0

Waiting = tuple[Literal["held", "queued"], float]


class Trace:
    """What is noted of a request that did not simply find everything at hand; most have none."""

    __slots__ = (
        "answered_s",
        "attempts",
        "doing",
        "frames",
        "rest",
        "sent_at",
        "sent_s",
        "steps",
        "uploaded",
        "why",
    )

    def __init__(self) -> None:
        self.doing: Waiting | None = None
        """What it waits for now, and since when (monotonic seconds)."""
        self.sent_s = 0.0
        """When it was sent, in seconds after its arrival; 0: at once; `NEVER`: not yet."""
        self.answered_s = 0.0
        """When the first bytes of the answer left; 0: with the last."""
        self.attempts = 0
        """How many were made at a service; 0 where the one that was made at once has sufficed."""
        self.steps: list[Note | Trial] = []
        """What was decided, and which attempts have failed, as it happened."""
        self.sent_at = 0
        """How many steps there were when it was sent the last time."""
        self.why = ("", "", "")
        """Stage, sentence and hint of what the gateway answered itself."""
        self.uploaded: list[bytes] = []
        """Of a body that was passed on as it came."""
        self.rest: list[bytes] = []
        """Of an answer that was written in several pieces, all but the first."""
        self.frames: list[tuple[bool, bytes]] = []
        """Of a WebSocket: whether the client sent it, and the bytes."""

    @property
    def trials(self) -> list[Trial]:
        return [step for step in self.steps if isinstance(step, Trial)]

    def note(self, step: str, text: str, mood: Literal["plain", "warn"] = "plain") -> None:
        """Something was decided."""
        self.steps.append(Note(step, text, mood))

    def settle(self, room: int) -> int:
        """Nothing more will be noted. Drops what is more than is kept, an answer's rest beyond `room`; returns what is left."""
        self.rest, self.uploaded = cut(self.rest, room), cut(self.uploaded, KEPT)
        return sum(map(len, self.rest)) + sum(map(len, self.uploaded)) + sum(len(data) for _, data in self.frames)


PLAIN: Final = Trace()
"""Stands for none; nobody writes to it."""


class Raw(NamedTuple):
    """What is kept of one request."""

    fields: Sequence[Field]
    """As they came."""
    sent: tuple[bytes, bytes]
    """Its head as the service got it, before and after the `Host` line; empty if it was not sent to one."""
    upload: bytes
    """The request's body, without framing."""
    answer: bytes
    """What was written to the client, head and framing included."""
    peer: str
    http10: bool
    cors: Verdict | None
    quota: Quota | None
    trace: Trace

    @property
    def upgrading(self) -> bool:
        """Whether a WebSocket was asked for."""
        return any(name.lower() == b"upgrade" and value.lower() == b"websocket" for name, value in self.fields)


class Captures:
    """The newest of them, numbered from 1 like the requests themselves.

    Args:
        total: bytes.
    """

    def __init__(self, capacity: int, total: int = TOTAL) -> None:
        self.size = 0
        """Bytes held, as far as that can be known without asking the allocator."""
        self._total = total
        self._capacity = capacity
        self._held: deque[_Entry] = deque()
        self._last = 0

    def add(self, exchange: Exchange) -> None:
        """A request is done."""
        head, whole, answer, trace = exchange.head, exchange.whole_body, exchange.answered, exchange.trace
        fields: Sequence[Field] = ()
        if trace is not None and trace.sent_s == NEVER:
            head = (b"", b"")
        size = ENTRY_COST + len(head[0]) + len(head[1])
        if exchange.raw_headers:  # not its own: most requests of a connection share what their greeting keeps
            greeting = exchange.greeting
            fields = greeting.raw
            size += greeting.size
        if whole is not None:
            whole = whole[:KEPT]  # the same object, mostly
            size += len(whole)
        if len(answer) > ANSWER:
            answer = answer[:ANSWER]
        size += len(answer)
        if trace is not None:
            size += trace.settle(ANSWER - len(answer))
        held = self._held
        peer, http10, cors, quota = exchange.client.peer, exchange.http10, exchange.cors, exchange.quota
        held.append((fields, head, whole, answer, peer, http10, cors, quota, trace, size))
        self._last += 1
        self.size += size
        while self.size > self._total or len(held) > self._capacity:
            self.size -= held.popleft()[-1]

    def get(self, number: int) -> Raw | None:
        """What is kept of a request; None if that is gone, or never was."""
        index = number - (self._last - len(self._held)) - 1
        if not 0 <= index < len(self._held):
            return None
        fields, sent, whole, answer, peer, http10, cors, quota, trace, _ = self._held[index]
        trace = trace or PLAIN
        upload = b"".join(trace.uploaded) if whole is None else whole
        return Raw(fields, sent, upload, b"".join((answer, *trace.rest)), peer, http10, cors, quota, trace)


def so_far(exchange: Exchange) -> Raw:
    """What would be kept of a request that is under way, if it ended now."""
    trace, answer = copy(exchange.trace or PLAIN), exchange.answered[:ANSWER]
    trace.frames, trace.steps = [*trace.frames], [*trace.steps]
    trace.settle(ANSWER - len(answer))
    return Raw(
        exchange.greeting.raw if exchange.raw_headers else (),
        (b"", b"") if trace.sent_s == NEVER else exchange.head,
        b"".join(trace.uploaded) if exchange.whole_body is None else exchange.whole_body[:KEPT],
        b"".join((answer, *trace.rest)),
        exchange.client.peer,
        exchange.http10,
        exchange.cors,
        exchange.quota,
        trace,
    )


def cut(pieces: Sequence[bytes], most: int) -> list[bytes]:
    """The first `most` bytes; no piece is copied but the one that is cut."""
    kept: list[bytes] = []
    for piece in pieces:
        if most <= 0:
            break
        kept.append(piece if len(piece) <= most else piece[:most])
        most -= len(piece)
    return kept
