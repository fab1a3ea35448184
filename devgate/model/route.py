"""Routes: which requests go where, and what may happen to them on the way."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from devgate.model.spec import Spec
from devgate.model.units import Duration

Method = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z-]*$")]
RoutePath = Annotated[str, StringConstraints(pattern=r"^/[^?#\s]*$")]


class RouteSpec(Spec):
    """One line of the routing table. Of several that match, `gateway.table` says which wins and why."""

    path: RoutePath
    """What the request's path must look like: `/api/users` exactly (a trailing slash is ignored), `/api/chat/{id}` with one
    segment in place of `{id}`, `/api/files/*` with everything at and below `/api/files`."""
    service: str
    """Name of the service that answers."""
    methods: tuple[Method, ...] = ()
    """Methods that match; empty means all. `GET` includes `HEAD`."""
    hosts: tuple[str, ...] = ()
    """Host names that match; empty means all. `*.example.test` matches one or more labels."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Request headers that must be present with exactly this value; `*` means any value."""
    priority: int = 0
    """Larger wins before anything else is compared."""
    name: str = ""
    """How the screen and the logs call it; default: the methods and the path."""
    strip_prefix: bool = False
    """Take the literal beginning of `path` away before forwarding; implies that everything below `path` matches."""
    stream: bool = False
    """Long-lived answers (SSE, long polls): no response timeouts, cut instead of awaited when the service restarts."""
    timeout: Duration | None = None
    """How long the service may take until its response head; default: `gateway.timeouts.response`."""
    hold: Duration | None = None
    """How long a request waits for a service that is coming back; default: `gateway.hold`."""

    @property
    def id(self) -> str:
        """What identifies the route in stats, logs and plans."""
        return self.name or " ".join(filter(None, ["|".join(self.methods), *self.hosts, self.path]))
