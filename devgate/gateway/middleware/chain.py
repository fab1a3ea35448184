"""The seam: what kinds of middleware there are, and how they are put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from devgate.gateway.exchange import Exchange
    from devgate.gateway.relay import Relay
    from devgate.gateway.upstream.errors import UpstreamError
    from devgate.gateway.upstream.response import Fields, ResponseHead
    from devgate.gateway.upstream.sink import Sink

    Gate = Callable[[Exchange], None]
    """May raise `Failure`, and never waits."""
    Serve = Callable[[Exchange], Awaitable[None]]
    """Has an exchange answered; `Forward.see_through` in the end. Raises `Failure` where nothing has reached the client."""
    Step = Callable[[Exchange, Serve], Awaitable[None]]
    """Serves an exchange with the help of what stands behind it."""
    Filter = Callable[[Sink, Relay], Sink]
    """What hears a service's answer in place of the sink, which it tells what is left of it. The relay is the attempt's."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What is done to the requests of one route. The first of each kind is the outermost: nearest to the client for gates and
    steps, nearest to the service for filters."""

    gates: tuple[Gate, ...] = ()
    steps: tuple[Step, ...] = ()
    filters: tuple[Filter, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.gates or self.steps or self.filters)

    async def serve(self, exchange: Exchange, last: Serve) -> None:
        """Have `exchange` answered through all steps, `last` being what they stand round."""
        serve = last
        for step in reversed(self.steps):
            serve = _bound(step, serve)
        await serve(exchange)

    def filtered(self, relay: Relay) -> Sink:
        """What hears the answer to an attempt."""
        sink: Sink = relay
        for wrap in reversed(self.filters):
            sink = wrap(sink, relay)
        return sink


def _bound(step: Step, serve: Serve) -> Serve:
    async def served(exchange: Exchange) -> None:
        await step(exchange, serve)

    return served


class Passing:
    """A filter that changes nothing, for those that change little."""

    __slots__ = ("_sink",)

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def on_informational(self, head: ResponseHead) -> None:
        self._sink.on_informational(head)

    def on_head(self, head: ResponseHead) -> None:
        self._sink.on_head(head)

    def on_body(self, data: bytes) -> None:
        self._sink.on_body(data)

    def on_trailers(self, trailers: Fields) -> None:
        self._sink.on_trailers(trailers)

    def on_flush(self) -> None:
        self._sink.on_flush()

    def on_complete(self, *, garbage_after_body: bool) -> None:
        self._sink.on_complete(garbage_after_body=garbage_after_body)

    def on_upgrade(self, head: ResponseHead) -> None:
        self._sink.on_upgrade(head)

    def on_error(self, error: UpstreamError) -> None:
        self._sink.on_error(error)

    def on_pause_sending(self) -> None:
        self._sink.on_pause_sending()

    def on_resume_sending(self) -> None:
        self._sink.on_resume_sending()
