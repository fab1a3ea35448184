"""Traffic of a route: plain counters on the hot path, everything else worked out when somebody looks. What a service or the whole
gateway has is the sum over routes.

The last minute is kept as thirty spans of two seconds. Latency goes into buckets that grow by a quarter, so a percentile is known
to about 12 %, whatever the range, without keeping a single sample. The sum over all spans is kept up to date as spans come and
go, so reading costs one pass over the buckets.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from devgate.model.snapshot import TrafficRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SPANS: Final = 30
SPAN_S: Final = 2.0
BOUNDS_MS: Final = tuple(0.1 * 1.25**step for step in range(64))
"""Upper bounds of the latency buckets: 0.1 ms to about two minutes; one more bucket takes the rest."""


class Traffic:
    """Counts requests. `now` is monotonic seconds and never goes back."""

    __slots__ = (
        "_buckets",
        "_counts",
        "_errors",
        "_last_at",
        "_last_status",
        "_span",
        "_span_buckets",
        "held",
        "in_flight",
        "total",
    )

    def __init__(self) -> None:
        self.total = 0
        self.in_flight = 0
        """Kept by whoever forwards."""
        self.held = 0
        """Kept by whoever holds."""
        self._last_at = 0.0
        self._last_status = 0
        self._span = 0
        """Number of the span that is being filled, counted from the clock's zero."""
        self._counts = [0] * SPANS
        self._errors = [0] * SPANS
        self._span_buckets = [[0] * (len(BOUNDS_MS) + 1) for _ in range(SPANS)]
        self._buckets = [0] * (len(BOUNDS_MS) + 1)

    def add(self, now: float, status: int, duration_s: float | None, *, failed: bool) -> None:
        """A request is done. `status` 0: devgate stopped before there was one; `duration_s` None: a stream, whose length says
        nothing about speed."""
        span = int(now / SPAN_S)
        if span != self._span:
            self._move_to(span)
        index = span % SPANS
        self.total += 1
        self._last_at = now
        self._last_status = status
        self._counts[index] += 1
        if failed:
            self._errors[index] += 1
        if duration_s is not None:
            bucket = bisect_left(BOUNDS_MS, duration_s * 1000)
            self._buckets[bucket] += 1
            self._span_buckets[index][bucket] += 1

    def _move_to(self, span: int) -> None:
        """Begin `span`; what is older than a minute is forgotten."""
        for passed in range(max(self._span + 1, span - SPANS + 1), span + 1):
            index = passed % SPANS
            if self._counts[index]:
                old = self._span_buckets[index]
                self._buckets = [total - gone for total, gone in zip(self._buckets, old, strict=True)]
                self._span_buckets[index] = [0] * len(old)
                self._counts[index] = self._errors[index] = 0
        self._span = max(self._span, span)


def row(traffics: Iterable[Traffic], now: float) -> TrafficRow:
    """What happened up to `now`, over all of `traffics`."""
    parts = list(traffics)
    for part in parts:
        part._move_to(int(now / SPAN_S))
    if not parts:
        return TrafficRow()
    counts = [sum(column) for column in zip(*(part._counts for part in parts), strict=True)]
    buckets = [sum(column) for column in zip(*(part._buckets for part in parts), strict=True)]
    count = sum(counts)
    first = int(now / SPAN_S) % SPANS + 1
    return TrafficRow(
        total=sum(part.total for part in parts),
        per_minute=count * 60 / (SPANS * SPAN_S),
        error_ratio=sum(sum(part._errors) for part in parts) / count if count else 0.0,
        p50_ms=percentile(buckets, 0.50),
        p95_ms=percentile(buckets, 0.95),
        last_status=max(parts, key=lambda part: part._last_at)._last_status,
        in_flight=sum(part.in_flight for part in parts),
        held=sum(part.held for part in parts),
        spark=(*counts[first:], *counts[:first]),
    )


def percentile(buckets: Sequence[int], share: float) -> float | None:
    """The latency in ms that `share` of the requests did not exceed; None without any. Within the bucket where it falls, requests
    are taken to lie evenly on the growth from one bound to the next."""
    total = sum(buckets)
    if not total:
        return None
    wanted = share * total
    for bucket, below in enumerate(accumulate(buckets)):
        if below >= wanted and buckets[bucket]:
            upper = BOUNDS_MS[min(bucket, len(BOUNDS_MS) - 1)]
            inside = (wanted - (below - buckets[bucket])) / buckets[bucket]
            return float(upper / 1.25 ** (1 - inside)) if bucket < len(BOUNDS_MS) else upper
    return None  # pragma: no cover  - the last sum is the total
