"""How the attempts of one request have gone so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devgate.directory import Instance
    from devgate.gateway.handlers.race import Race
    from devgate.gateway.retrying import Retrying
    from devgate.gateway.screened import Screen


@dataclass(slots=True)
class Course:
    """How the attempts of one request have gone so far, and what its route wants for them."""

    deadline: float
    """Until when it may be held."""
    chosen: Instance | None
    """Who is asked first: whose turn it was when `begin` found something to wait for, or to whom the client keeps."""
    screen: Screen | None = None
    """What looks at answers before they pass."""
    retry: Retrying | None = None
    race: Race | None = None
    """Makes a second attempt where the first is late."""
    reached: bool = False
    """Whether the service may have seen the request."""
    replays: int = 0
    resends: int = 0
    suspected_until: float = 0.0
    """Until when refusals are taken for a crash that will be noticed any moment; 0 before the first one."""
    tried: list[Instance] = field(default_factory=list)
