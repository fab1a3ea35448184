"""What becomes of a request that a service has failed, before the client has seen anything of an answer.

Nothing here waits or sends. A request is sent again only if that cannot do twice what was meant once: it never reached the
service, or its method is idempotent (RFC 9110 9.2.2), and its body is still whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})

REPLAYS: Final = 2
"""How often a kept connection may turn out to be dead. The second one is asked for its life before it is used."""
RESENDS: Final = 1
"""How often a request may be sent to a service that took it and broke off."""


class Rescue(Enum):
    REPLAY = "replay"
    """At once, on another connection: the one used was dead before, which says nothing about the service."""
    WAIT = "wait"
    """When the service is back, or on another instance: it seems to be going down."""
    GIVE_UP = "give up"


@dataclass(frozen=True, slots=True)
class Mishap:
    """How an attempt failed."""

    dead_connection: bool
    """A kept connection had been closed by the service."""
    reached: bool
    """The service may have seen the request."""
    broke_off: bool
    """The connection was refused or lost, as happens when a process ends; not a slow or a wrong answer."""


def decide(mishap: Mishap, method: str, *, whole: bool, returning: bool, replays: int, resends: int) -> Rescue:
    """What to do.

    Args:
        mishap: how the attempt failed.
        method: of the request.
        whole: its body can be sent (again) from the beginning.
        returning: the service will come back, or is waited for as if it would.
        replays: how often it was replayed already.
        resends: how often it was sent again already, after having reached the service.
    """
    if not whole:
        return Rescue.GIVE_UP
    if mishap.dead_connection and replays < REPLAYS:
        return Rescue.REPLAY
    if not returning or not mishap.broke_off:
        return Rescue.GIVE_UP
    if not mishap.reached:
        return Rescue.WAIT
    return Rescue.WAIT if method in IDEMPOTENT and resends < RESENDS else Rescue.GIVE_UP
