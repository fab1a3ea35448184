"""Server-sent events: what `/events` sends and when (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEARTBEAT: Final = b": heartbeat\n\n"
_INTERVAL_S: Final = 1.0
_HEARTBEAT_S: Final = 15.0
_LONGEST_S: Final = 86_400.0
_MOST: Final = 10**9


@dataclass(frozen=True, slots=True)
class Feed:
    """One subscription, as the client asked for it."""

    interval: float = _INTERVAL_S
    """Seconds between two events; 0: as fast as the client reads."""
    count: int = _MOST
    """The stream ends after so many."""
    heartbeat: float = _HEARTBEAT_S
    """A comment after so many seconds without an event, which tells a proxy that the stream is alive."""
    first: int = 1
    """Id of the first event."""


def read_feed(query: str, last_event_id: str | None) -> Feed:
    """The subscription that `?interval=0.5&count=3&heartbeat=5` and `Last-Event-ID` ask for.

    Other parameters are the frontend's own and ignored; so is an id that this stub cannot have sent.

    Raises:
        ValueError: a parameter is not the number it should be; the text names it.
    """
    given = dict(part.partition("=")[::2] for part in query.split("&"))
    sent = last_event_id if last_event_id is not None and last_event_id.isascii() and last_event_id.isdigit() else "0"
    return Feed(
        interval=_number(given, "interval", _INTERVAL_S, low=0.0),
        count=int(_number(given, "count", _MOST, low=0.0, high=_MOST)),
        heartbeat=_number(given, "heartbeat", _HEARTBEAT_S, low=0.01),
        first=int(sent) + 1 if len(sent) <= len(str(_MOST)) else 1,
    )


def _number(given: dict[str, str], key: str, default: float, *, low: float, high: float = _LONGEST_S) -> float:
    text = given.get(key)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not low <= value <= high:
        raise ValueError(f"{key}: expected a number from {low:g} to {high:g}")
    return value


def schedule(feed: Feed, service: str, wall: Callable[[], float]) -> Iterator[tuple[bytes, float]]:
    """What to send, and how many seconds to wait after it.

    The first piece is a comment, so that a browser sees the stream open, and tells the client to reconnect after one second.
    """
    yield f": {service}\nretry: 1000\n\n".encode(), 0.0
    for left, number in zip(range(feed.count - 1, -1, -1), range(feed.first, feed.first + feed.count), strict=True):
        data = json.dumps({"service": service, "id": number, "time": round(wall(), 6)})
        piece, pause = f"id: {number}\ndata: {data}\n\n".encode(), feed.interval if left else 0.0
        while pause > feed.heartbeat:
            yield piece, feed.heartbeat
            piece, pause = HEARTBEAT, pause - feed.heartbeat
        yield piece, pause
