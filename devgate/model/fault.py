"""A fault on demand, as everybody passes it around: the profile, the control API, the gateway, the screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from devgate.model.units import format_duration, format_size

LASTS_S: Final = 600.0
"""How long a fault stays that somebody has asked for without saying how long: a forgotten one must not cost an afternoon."""
LONGEST_S: Final = 86_400.0
"""The longest latency and the longest life that may be asked for."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to the requests of one route. Several at once: late, and then cut."""

    latency_s: float = 0.0
    """How long a request waits before it goes on."""
    status: int = 0
    """What devgate answers instead of the service; 0: the service answers."""
    cut_bytes: int | None = None
    """After so many bytes of the answer's body the connection is reset; None: never."""
    throttle: int = 0
    """Bytes a second that the answer may have; 0: as many as there are."""
    share: float = 1.0
    """Share of the requests that it happens to."""
    count: bool = True
    """Whether the service's breaker takes it for the service's failure."""

    def __post_init__(self) -> None:
        """Refuse what means nothing.

        Raises:
            ValueError: says which value and what it may be.
        """
        if not 0 <= self.latency_s <= LONGEST_S:
            raise ValueError(f"a latency is from 0s to {format_duration(LONGEST_S)}")
        if self.status and not 400 <= self.status <= 599:
            raise ValueError(f"{self.status} is no error status; 400 to 599 are")
        if self.cut_bytes is not None and self.cut_bytes < 0:
            raise ValueError("a cut comes after 0 bytes or more")
        if self.throttle < 0:
            raise ValueError("a throttle is some bytes a second")
        if not 0 < self.share <= 1:
            raise ValueError("a share is more than 0 and at most 1")
        if not (self.latency_s or self.status or self.cut_bytes is not None or self.throttle):
            raise ValueError("a fault needs one of latency, status, cut and throttle")
        if self.status and (self.cut_bytes is not None or self.throttle):
            raise ValueError("status answers instead of the service, so there is nothing to cut or throttle")

    @property
    def words(self) -> str:
        """`300ms late, 503 for 50 %`."""
        parts = [
            f"{format_duration(self.latency_s)} late" if self.latency_s else "",
            str(self.status) if self.status else "",
            f"cut after {format_size(self.cut_bytes)}" if self.cut_bytes is not None else "",
            f"{format_size(self.throttle)}/s" if self.throttle else "",
        ]
        told = ", ".join(filter(None, parts))
        return told if self.share == 1 else f"{told} for {self.share * 100:.3g} %"
