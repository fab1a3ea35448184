"""A profile: the whole desired world, as one frozen value.

These models are schema, validation and reference at once. A field's docstring is what `devgate schema` prints and what an editor
shows. Every field must also stand in `profile.diff.EFFECTS`, which says what changing it does to a running devgate; a contract
test compares the two.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from devgate.model.gateway import GatewaySpec
from devgate.model.route import RouteSpec
from devgate.model.service import ServiceName, ServiceSpec
from devgate.model.spec import Spec
from devgate.model.text import Environment, Texts
from devgate.model.timeouts import Timeouts, resolve
from devgate.model.units import Duration


def _number(value: Any) -> Any:
    """Profiles arrive as text; a `Literal` compares and does not convert."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


class SyncSpec(Spec):
    """The shared-knowledge version check across services (SEMANTICS 3.11)."""

    enabled: bool | None = None
    """Whether versions are checked; without it where `version` is set, and of services that have `sync` of their own."""
    version: str | None = None
    """The expected version; none: nothing is expected, and a service that is checked is `unknown`."""
    interval: Duration = 60.0
    """Between two checks."""
    warning: Duration = 300.0
    """Out of sync for this long: warning."""
    critical: Duration = 600.0
    """Out of sync for this long: critical."""
    timeout: Duration = 2.0
    """How long a service may take to tell its version."""
    fail_health: bool = False
    """Whether `/health/sync` answers 503 while critical."""

    def checks(self, service: ServiceSpec) -> bool:
        """Whether this service is asked. Nobody is who has not said that he wants it: the request stands in his log."""
        if self.enabled is False or service.sync is False:
            return False
        return service.sync is not None or bool(self.enabled or self.version)


class ReloadSpec(Spec):
    """What happens when the profile's file changes."""

    watch: bool = True
    """Whether files are watched at all."""
    restart: Literal["ask", "auto"] = "ask"
    """Services whose command or environment changed: marked stale until asked, or restarted at once."""
    debounce: Duration = 0.3
    """How long files must have been quiet."""


class Profile(Spec):
    """One environment of one system."""

    version: Annotated[Literal[1], BeforeValidator(_number)] = 1
    """Version of this format."""
    name: str = ""
    """How it is called; default: the file's name."""
    description: str = ""
    """What it is for, on one line."""
    env: Environment = Field(default_factory=dict)
    """Environment of every service."""
    env_file: Texts = ()
    """Files of `NAME=value` lines for every service and for `${...}` in this file; relative to it, absolute once loaded."""
    gateway: GatewaySpec = Field(default_factory=GatewaySpec)
    """The one address in front of all services."""
    services: dict[ServiceName, ServiceSpec] = Field(default_factory=dict)
    """What runs, by name."""
    routes: tuple[RouteSpec, ...] = ()
    """Which requests go to which service."""
    sync: SyncSpec = Field(default_factory=SyncSpec)
    """Whether all services have the same version of the shared knowledge."""
    reload: ReloadSpec = Field(default_factory=ReloadSpec)
    """What happens when this file changes."""
    env_digests: dict[str, dict[str, str] | None] = Field(default_factory=dict)
    """Not written in a file: the loader notes here what each env file held, a digest for each variable, so that an edited one is
    a change of the profile and its names can be told; None for a file that cannot be read."""

    def max_body(self, route: RouteSpec) -> int | None:
        """Bytes that a request's body may have; None: as many as it likes."""
        limit = self.gateway.max_body if route.max_body is None else route.max_body
        return None if limit == "off" else limit

    def timeouts(self, route: RouteSpec, service: str = "") -> Timeouts:
        """What holds for a route's requests to `service`; without it, to its own."""
        spec = self.services.get(service or route.service)
        own = None if spec is None else spec.timeout
        return resolve(route.timeout, own, self.gateway.timeouts, stream=route.stream)

    def hold(self, route: RouteSpec, service: str = "") -> float:
        """Seconds that a route's requests may wait for `service` to come back; without it, for its own."""
        if route.hold is not None:
            return route.hold
        spec = self.services.get(service or route.service)
        if spec is None:
            return self.gateway.hold
        if spec.url is not None:
            return self.gateway.hold_unmanaged
        return spec.start_timeout if spec.autostart == "on_request" else self.gateway.hold

    @property
    def digest(self) -> str:
        """Identifies the content: equal digests mean that nothing has to be done."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]
