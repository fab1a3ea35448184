"""What a face may see and ask. The screen, the control API and the tests know devgate only by this.

`engine.Engine` implements it inside the process, `remote.RemoteControl` over the control API: `devgate restart` and the key `r`
take the same path. It is grouped by noun so that each group stays small. Every refusal is a `DevgateError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devgate.model.anatomy import Anatomy
    from devgate.model.detail import Replayed, RequestDetail
    from devgate.model.fault import Fault
    from devgate.model.plan import Plan
    from devgate.model.query import LogSlice, RequestName, RequestPage
    from devgate.model.snapshot import Snapshot
    from devgate.model.status import Forced


class ServiceControl(Protocol):
    """Commands return when the state is reached, and raise `CommandError` with the reason when it cannot be."""

    async def start(self, name: str, *, dependents: bool = False) -> None:
        """Start it, and first what it needs; with `dependents` also what needs it."""
        ...

    async def stop(self, name: str, *, dependents: bool = False) -> None:
        """Stop it; with `dependents` first what needs it."""
        ...

    async def restart(self, name: str, *, dependents: bool = False) -> None:
        """Replace its process; with `dependents` also those of what needs it and runs."""
        ...

    async def kill(self, name: str) -> None:
        """End the process group now, without drain or signal."""
        ...

    async def adopt(self, name: str) -> None:
        """Take whoever answers on its port for it, until he goes; shown as `external`."""
        ...

    async def take_port(self, name: str) -> None:
        """End the process that holds its port, and start it."""
        ...

    async def type_into(self, name: str, data: bytes) -> None:
        """Type into its terminal, bytes as a keyboard sends them: Enter is `\\r`, Ctrl-C `\\x03`. What is typed is remembered
        nowhere, nor announced: it may be a password.

        Raises:
            CommandError: it has none, does not run, or does not read.
        """
        ...

    async def resize(self, name: str, columns: int, rows: int) -> None:
        """Make its terminal so large, from now on; without one this has no effect. Raises CommandError where no terminal is so
        large."""
        ...

    async def logs(self, names: Sequence[str], after: int = 0, limit: int = 1000) -> LogSlice:
        """Lines after sequence number `after`, at most the newest `limit`; of one service, or merged for several or none."""
        ...


class GatewayControl(Protocol):
    async def reset_breaker(self, service: str) -> None:
        """Close it, and let it decide again."""
        ...

    async def force_breaker(self, service: str, forced: Forced) -> None:
        """Decide over its head, until it is reset."""
        ...

    async def clear_cache(self, prefix: str = "") -> int:
        """Drop the kept answers whose path begins so; how many those were."""
        ...

    async def set_fault(self, route: str, fault: Fault, lasts_s: float) -> None:
        """Have something go wrong with a route's requests for so many seconds, in place of what goes wrong now."""
        ...

    async def clear_faults(self, route: str | None = None) -> None:
        """Take away one route's fault, or all."""
        ...

    async def requests(self, after: int = 0, limit: int = 100, *, under_way: bool = False) -> RequestPage:
        """Finished requests after sequence number `after`, at most the newest `limit`; and, if asked for, those `under_way`."""
        ...

    async def request(self, name: RequestName) -> RequestDetail:
        """All that is known of a request, by its number; by its id, one under way as well, so far.

        Raises:
            CommandError: there is none of this name, or it is too long ago.
        """
        ...

    async def replay(self, seq: int, text: str | None = None) -> Replayed:
        """Send a finished request again, through the gateway. With `text`, with the changes that a person made to what
        `inspection.draft.text_of` wrote; secrets in what was left alone are filled in again.

        Raises:
            CommandError: it is too long ago, its body was not kept whole, or the text is no request.
        """
        ...


class SyncControl(Protocol):
    async def check(self) -> None:
        """Check all versions now, and look at every service; a check under way is joined."""
        ...


class ProfileControl(Protocol):
    def list(self) -> Sequence[str]:
        """Profiles that can be switched to, as `propose` takes them."""
        ...

    async def anatomy(self, service: str) -> Anatomy:
        """What the running profile says of a service, and what its process runs with; secrets masked."""
        ...

    async def propose(self, source: str | None = None) -> Plan:
        """What switching to `source` would do (none: reloading the running one). Changes nothing.

        Raises:
            ProfileError: it does not load.
        """
        ...

    async def apply(self, plan: Plan, *, by: str, agreed: bool = False) -> Plan:
        """Carry out a proposed plan. Returns what was applied.

        Args:
            agreed: somebody who saw `plan.unapproved` wants it to run; that is remembered.

        Raises:
            CommandError: the running profile is no longer `plan.old`, or it runs something that nobody has agreed to.
        """
        ...


class Control(Protocol):
    @property
    def services(self) -> ServiceControl: ...
    @property
    def gateway(self) -> GatewayControl: ...
    @property
    def sync(self) -> SyncControl: ...
    @property
    def profiles(self) -> ProfileControl: ...

    @property
    def seq(self) -> int:
        """Moves whenever a snapshot would show something new."""
        ...

    def snapshot(self) -> Snapshot:
        """The last whole picture (remote: at most 250 ms old)."""
        ...

    def request_stop(self, reason: str, *, now: bool = False) -> None:
        """Stop devgate and all it runs; returns at once. `now`: without drain, signal and grace, also if it stops already."""
        ...
