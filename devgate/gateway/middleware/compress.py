"""Answers compressed on their way, where `policy.compression` says that it is worth it and the client takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devgate.gateway.middleware.chain import Passing
from devgate.gateway.middleware.codings import encoder, offered
from devgate.gateway.upstream.response import Framing
from devgate.model.units import format_size
from devgate.policy.compression import chosen, compressible, may_transform, varying, weakened

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devgate.gateway.exchange import Exchange
    from devgate.gateway.middleware.chain import Filter
    from devgate.gateway.middleware.codings import Encoder
    from devgate.gateway.relay import Relay
    from devgate.gateway.upstream.response import ResponseHead
    from devgate.gateway.upstream.sink import Sink
    from devgate.model.middleware import CompressSpec

_ASIS: Final = frozenset({204, 205, 206, 304})
"""Statuses of answers without a body, or with a part of one, which is counted in bytes of the plain form."""
_DIGESTS: Final = frozenset({b"content-digest", b"repr-digest", b"digest", b"content-md5"})
"""What would be wrong afterwards."""
_GONE: Final = frozenset({b"content-length", b"accept-ranges"})


def compressed(spec: CompressSpec) -> Filter:
    codings = offered(spec.codings)

    def wrap(sink: Sink, relay: Relay) -> Sink:
        return _Compressed(sink, relay.exchange, spec, codings)

    return wrap


class _Compressed(Passing):
    __slots__ = ("_codings", "_exchange", "_spec", "_streams", "_zip")

    def __init__(self, sink: Sink, exchange: Exchange, spec: CompressSpec, codings: Sequence[str]) -> None:
        super().__init__(sink)
        self._codings = codings
        self._exchange = exchange
        self._spec = spec
        self._streams = False
        """Whether what has come leaves at once, because nobody knows when there will be more."""
        self._zip: Encoder | None = None

    def on_head(self, head: ResponseHead) -> None:
        why_not = self._not_worth_it(head)
        if not why_not:
            if not varying(_values(head.headers, b"vary")):
                head.headers = [*head.headers, (b"Vary", b"Accept-Encoding")]
            accepted = b",".join(_values(self._exchange.raw_headers, b"accept-encoding"))
            if coding := chosen(accepted, self._codings):
                self._begin(head, coding)
                self._exchange.traced().note("compress", coding)
            else:
                why_not = f"the client takes none of {', '.join(self._codings)}"
        if why_not:
            self._exchange.traced().note("compress", f"not: {why_not}")
        super().on_head(head)

    def on_body(self, data: bytes) -> None:
        if self._zip is not None:
            data = self._zip.feed(data)
        if data:
            super().on_body(data)

    def on_flush(self) -> None:
        if self._zip is not None and self._streams:
            data = self._zip.flush()
            if data:  # an empty chunk would be the last one
                super().on_body(data)
        super().on_flush()

    def on_complete(self, *, garbage_after_body: bool) -> None:
        if self._zip is not None:
            super().on_body(self._zip.end())
        super().on_complete(garbage_after_body=garbage_after_body)

    def _not_worth_it(self, head: ResponseHead) -> str:
        """Why it is compressed for nobody; empty where it is for whoever takes it."""
        names = {name.lower() for name, _ in head.headers}
        if head.status in _ASIS:
            return f"a {head.status} has no body, or a part of one"
        if b"content-encoding" in names:
            return "it has a coding already"
        if not names.isdisjoint(_DIGESTS):
            return "a digest of the plain form is told"
        if head.length is not None and head.length < self._spec.least:
            return f"smaller than {format_size(self._spec.least)}"
        if not all(may_transform(value) for value in _values(head.headers, b"cache-control")):
            return "it says no-transform"
        if not any(compressible(value) for value in _values(head.headers, b"content-type")):
            return "its type does not shrink"
        return ""

    def _begin(self, head: ResponseHead, coding: str) -> None:
        fields = [
            (name, weakened(value)) if name.lower() == b"etag" else (name, value)
            for name, value in head.headers
            if name.lower() not in _GONE
        ]
        head.headers = [*fields, (b"Content-Encoding", coding.encode())]
        head.length = None
        if head.framing is Framing.NONE:  # to HEAD, as GET would be answered
            return
        self._streams = head.framing is not Framing.LENGTH
        head.framing = Framing.CHUNKED
        self._zip = encoder(coding, self._spec.level)


def _values(fields: Iterable[tuple[bytes, bytes]], wanted: bytes) -> list[bytes]:
    return [value for name, value in fields if name.lower() == wanted]
