"""An answer on its way into the store, while it is passed on."""

from __future__ import annotations

from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING

from devgate.gateway.cache.store import Entry, varies_with
from devgate.gateway.headers import hop_only
from devgate.gateway.upstream.response import Framing, ResponseHead
from devgate.policy.freshness import values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devgate.directory import Instance
    from devgate.gateway.cache.store import Owner, Store
    from devgate.gateway.upstream.response import Fields
    from devgate.policy.freshness import Freshness

_NOT_KEPT = frozenset({b"age", b"trailer", b"connection", b"keep-alive", b"transfer-encoding", b"content-length"})
"""What belongs to the hop or to the moment, whatever `Connection` says."""
_OF_THE_BODY = frozenset({b"content-encoding", b"content-type"})
"""What a 304, which has none, cannot know better."""


class Recording:
    """Collects the body; keeps it once it is whole.

    Args:
        limit: a larger body is not kept.
    """

    def __init__(
        self,
        store: Store,
        limit: int,
        uri: bytes,
        owner: Owner,
        request: Sequence[tuple[bytes, bytes]],
        head: ResponseHead,
        origins: tuple[bytes, ...],
        freshness: Freshness,
        instance: Instance,
    ) -> None:
        self._store = store
        self._room = limit
        self._uri = uri
        self._owner = owner
        self._vary = varies_with(request, head.headers)
        self._head = head
        self._origins = origins
        self._freshness = freshness
        self._instance = instance
        self._epoch = instance.epoch
        self._pieces: list[bytes] = []

    def piece(self, data: bytes) -> bool:
        """Take a part of the body. False: it has become too large."""
        self._room -= len(data)
        self._pieces.append(data)
        return self._room >= 0

    def keep(self) -> None:
        body = b"".join(self._pieces)
        self._store.keep(
            Entry(
                uri=self._uri,
                owner=self._owner,
                vary=self._vary,
                head=kept_head(self._head, len(body)),
                origins=self._origins,
                body=body,
                freshness=self._freshness,
                instance=self._instance,
                epoch=self._epoch,
            )
        )


def dated(head: ResponseHead, wall: float) -> ResponseHead:
    """A head with the moment of its arrival, in seconds since the epoch, where it gives none itself (RFC 9110 6.6.1). What is
    served from the store later must not look as new as the moment, nor what was confirmed as old as when it came first."""
    if values(head.headers, b"date"):
        return replace(head, headers=list(head.headers))
    return replace(head, headers=[*head.headers, (b"Date", formatdate(wall, usegmt=True).encode())])


def kept_head(head: ResponseHead, length: int) -> ResponseHead:
    """A head as it is kept: without what belongs to the hop or to the moment, and with the body's length."""
    return ResponseHead("1.1", head.status, head.reason, _lasting(head.headers), Framing.LENGTH, length, keep=True)


def confirmed(kept: ResponseHead, news: ResponseHead) -> ResponseHead:
    """A kept head after the service has answered 304: what that says replaces what was kept (RFC 9111 3.2)."""
    fresh = [field for field in _lasting(news.headers) if field[0].lower() not in _OF_THE_BODY]
    names = {name.lower() for name, _ in fresh}
    fields = [field for field in kept.headers if field[0].lower() not in names]
    return ResponseHead(kept.version, kept.status, kept.reason, fields + fresh, kept.framing, kept.length, kept.keep)


def _lasting(fields: Fields) -> Fields:
    hop = frozenset().union(*(hop_only(value) for value in values(fields, b"connection")))
    return [field for field in fields if field[0].lower() not in _NOT_KEPT | hop]
