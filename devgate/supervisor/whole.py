"""The service that a replica belongs to, as the replica sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from devgate.directory import Entry
    from devgate.model.service import ServiceSpec
    from devgate.supervisor.console import Console
    from devgate.supervisor.logs import LogRing


class Whole(Protocol):
    """`service.Service`."""

    @property
    def spec(self) -> ServiceSpec: ...
    @property
    def entry(self) -> Entry: ...
    @property
    def ring(self) -> LogRing: ...
    @property
    def console(self) -> Console: ...

    def renew_spec(self) -> None:
        """A new process is about to start: what was changed meanwhile holds from now on."""
        ...

    def health_changed(self) -> None: ...
