"""Kept answers: in memory, bounded by bytes; those not used for longest go first. Nothing is swept for being stale: it can still
be confirmed with a few bytes, or stand in for an error, and it takes no room that anybody else would want.

They are found by what the client asked for, path and query as sent, and then told apart by `Owner` and by the request headers
that the answer varies with (RFC 9111 4.1). So one call forgets all that is kept of a URI, whoever it was kept for.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from devgate.policy.freshness import values

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devgate.directory import Instance
    from devgate.gateway.upstream.response import ResponseHead
    from devgate.policy.freshness import Freshness

    Fields = Sequence[tuple[bytes, bytes]]

OVERHEAD: Final = 1024
"""Bytes that an answer takes beside its own, so that many empty ones are not free."""

VARIANTS: Final = 64
"""Answers of one URI. They are looked through one by one, and a client decides how many there could be."""


class Owner(NamedTuple):
    """Who an answer was kept for."""

    route: str
    service: str
    """The side of a split."""
    host: bytes
    """As the client called us, for the service was told and may have answered accordingly."""
    identity: bytes
    """Of the credentials, where answers are kept per user; else empty."""


@dataclass(eq=False, slots=True)
class Entry:
    """One kept answer. Its parts are replaced when the service confirms it (RFC 9111 4.3.4)."""

    uri: bytes
    owner: Owner
    vary: tuple[tuple[bytes, bytes], ...]
    """Lower-case names that it varies with, and what the request had there."""
    head: ResponseHead
    """As the service sent it, with the length of `body`."""
    origins: tuple[bytes, ...]
    """What the service may call itself in a `Location`."""
    body: bytes
    freshness: Freshness
    instance: Instance
    epoch: int
    """The run of `instance` that gave it."""

    def header(self, name: bytes) -> bytes:
        return next(iter(values(self.head.headers, name)), b"")

    @property
    def size(self) -> int:
        fields = sum(len(name) + len(value) for name, value in self.head.headers)
        return OVERHEAD + len(self.uri) + fields + len(self.body)

    @property
    def outdated(self) -> bool:
        """Whether its instance was started again since: an answer of old code is not fresh, whatever it says."""
        return self.instance.epoch != self.epoch


class Store:
    """All kept answers of a gateway.

    Args:
        limit: bytes.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        """Bytes held, never above `limit`."""
        self.hits = 0
        self.misses = 0
        """Of requests that could have been answered from here; kept by whoever answers."""
        self._by_uri: dict[bytes, list[Entry]] = {}
        self._order: OrderedDict[Entry, None] = OrderedDict()
        """Longest unused first."""

    def __len__(self) -> int:
        return len(self._order)

    def find(self, uri: bytes, owner: Owner, request: Fields) -> Entry | None:
        """What is kept for such a request, fresh or not."""
        for entry in self._by_uri.get(uri, ()):
            if entry.owner == owner and all(sent(request, name) == value for name, value in entry.vary):
                self._order.move_to_end(entry)
                return entry
        return None

    def holds(self, uri: bytes, owner: Owner) -> bool:
        """Whether anything is kept that differs only in what it varies with."""
        return any(entry.owner == owner for entry in self._by_uri.get(uri, ()))

    def keep(self, entry: Entry) -> None:
        """Take an answer in. It replaces the one that the same request would find."""
        same = (entry.owner, entry.vary)
        for other in tuple(self._by_uri.get(entry.uri, ())):
            if (other.owner, other.vary) == same:
                self.drop(other)
        if entry.size > self.limit:
            return
        beside = self._by_uri.setdefault(entry.uri, [])
        if len(beside) >= VARIANTS:
            self.drop(beside[-1])
        beside.insert(0, entry)  # the newest first, should several fit
        self._order[entry] = None
        self.size += entry.size
        self._shrink()

    def renew(self, entry: Entry, head: ResponseHead, freshness: Freshness, instance: Instance) -> None:
        """An instance of the service has confirmed an answer, which may have left the store meanwhile."""
        kept = entry in self._order
        if kept:
            self.size -= entry.size
        entry.head, entry.freshness = head, freshness
        entry.instance, entry.epoch = instance, instance.epoch
        if kept:
            self.size += entry.size
            self._shrink()

    def drop(self, entry: Entry) -> None:
        if entry in self._order:
            del self._order[entry]
            self.size -= entry.size
            beside = self._by_uri[entry.uri]
            beside.remove(entry)
            if not beside:
                del self._by_uri[entry.uri]

    def forget(self, uri: bytes) -> int:
        """Drop all that is kept of a URI. Returns how much that was."""
        return self._drop_all(tuple(self._by_uri.get(uri, ())))

    def purge(self, prefix: bytes = b"") -> int:
        """Drop all whose path begins so. Returns how much that was."""
        return self._drop_all([entry for entry in self._order if entry.uri.startswith(prefix)])

    def retain(self, wanted: Callable[[Owner], bool]) -> None:
        """Drop what was kept for others."""
        self._drop_all([entry for entry in self._order if not wanted(entry.owner)])

    def resize(self, limit: int) -> None:
        self.limit = limit
        self._shrink()

    def _shrink(self) -> None:
        while self.size > self.limit:
            self.drop(next(iter(self._order)))

    def _drop_all(self, entries: Sequence[Entry]) -> int:
        for entry in entries:
            self.drop(entry)
        return len(entries)


def varies_with(request: Fields, answer: Fields) -> tuple[tuple[bytes, bytes], ...]:
    """What an answer's `Vary` names, with what the request had there."""
    names = {name.strip().lower() for value in values(answer, b"vary") for name in value.split(b",")}
    return tuple((name, sent(request, name)) for name in sorted(names - {b""}))


def sent(request: Fields, name: bytes) -> bytes:
    """A request's header as it is compared: all its lines as one, without the whitespace that means nothing."""
    return b",".join(part.strip() for value in values(request, name) for part in value.split(b","))
