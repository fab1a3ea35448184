"""What must happen to turn one profile into another, as plain facts that every face can show and send.

`profile.diff` makes a plan, the engine applies it. It names the two profiles by digest; applying refuses a plan whose `old` is no
longer what runs.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """A service and the keys whose change made something necessary."""

    service: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RouteChanges:
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    source: str
    """Where the new profile comes from: the argument that `devgate up` would take."""
    name: str
    """The new profile's name."""
    old: str
    new: str
    """Digests."""
    keep: tuple[str, ...]
    stop: tuple[str, ...]
    restart: tuple[Reason, ...]
    start: tuple[str, ...]
    """New ones, and those that were stopped and that something needs which starts now."""
    adopt: tuple[Reason, ...]
    """Changed, and taken live without a restart."""
    stale: tuple[Reason, ...]
    """Needs a restart, which waits until somebody asks (a file reload with `reload.restart: ask`)."""
    routes: RouteChanges
    gateway: tuple[str, ...]
    """Keys of the gateway and the monitors that change live."""
    rebind: tuple[str, ...]
    """Listener addresses that change, as `old -> new`."""
    file: str = ""
    """Where the new profile stands, as an absolute path on devgate's machine."""
    unapproved: tuple[str, ...] = ()
    """What it would run that nobody has agreed to yet, a line each; not escaped and nothing masked: what is hidden cannot be
    agreed to. Empty: nobody has to be asked."""
    noted: tuple[str, ...] = ()
    """What else is different and asks for nothing to be done: `description`, `services.api.allow_remote`, `routes: order`."""
    rest: tuple[Reason, ...] = ()
    """Changed, and stopped: takes its new settings and stays stopped, for nothing that runs needs it."""

    @property
    def empty(self) -> bool:
        return self.old == self.new

    @property
    def summary(self) -> str:
        """One line: `keep 4 · restart 1 · start 2 · stop 1 · routes +3 -1`."""
        if self.empty:
            return "nothing to do"
        counts = [
            (len(self.keep) + len(self.adopt), "keep"),
            (len(self.restart), "restart"),
            (len(self.stale), "stale"),
            (len(self.start), "start"),
            (len(self.stop), "stop"),
            (len(self.rest), "stay stopped"),
        ]
        parts = [f"{word} {count}" for count, word in counts if count]
        routes = self.routes
        signs = [(len(routes.added), "+"), (len(routes.removed), "-"), (len(routes.changed), "~")]
        if any(count for count, _ in signs):
            parts.append("routes " + " ".join(f"{sign}{count}" for count, sign in signs if count))
        if self.gateway:
            parts.append("live " + ", ".join(self.gateway))
        if self.rebind:
            parts.append("rebind " + ", ".join(self.rebind))
        if self.noted:
            parts.append("noted " + ", ".join(self.noted))
        return " · ".join(parts)
