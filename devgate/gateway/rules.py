"""What one profile says about requests, and what a request line means by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devgate.gateway.failures import Failure
from devgate.gateway.handlers import builtin
from devgate.gateway.target import BadTarget, parse

if TYPE_CHECKING:
    from devgate.gateway.lane import Lane
    from devgate.gateway.middleware.chain import Gate
    from devgate.gateway.table import Match, RoutingTable
    from devgate.policy.cors import CorsPolicy
    from devgate.policy.host import HostPolicy

MEMO_SIZE: Final = 4096
MEMO_TARGET_LIMIT: Final = 256
"""Longer targets are read each time: a client must not be able to fill the memory with them."""
ALLOW: Final = b"Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"
"""Of the gateway as such."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What a request line asks for."""

    path: bytes
    query: bytes
    authority: bytes | None
    own: builtin.View | None
    """For a path of the gateway's own."""
    match: Match | None
    """Where neither host nor headers have a say in it."""


class Rules:
    """What one profile says about requests. Replaced as a whole; a request keeps the rules it began with.

    Args:
        lanes: by `Route.index`.
        gate: asked about every request that is not about the gateway itself, before its route.
        health: whether `/health` is ours.
        hints: whether a 404 names routes.
        debug_headers: whether answers say how they came about.
    """

    def __init__(
        self,
        table: RoutingTable,
        lanes: tuple[Lane, ...],
        hosts: HostPolicy,
        cors: CorsPolicy,
        gate: Gate | None,
        *,
        health: bool,
        hints: bool,
        debug_headers: bool,
    ) -> None:
        self.table = table
        self.lanes = lanes
        self.hosts = hosts
        self.cors = cors
        self.gate = gate
        self.hints = hints
        self.debug_headers = debug_headers
        self._health = health
        self._errands: dict[tuple[str, bytes], Errand] = {}

    def read(self, method: str, target: bytes) -> Errand:
        """What a request line asks for.

        Raises:
            Failure: it is refused, whoever sends it.
        """
        errand = self._errands.get((method, target))
        if errand is None:
            errand = self._work_out(method, target)
            if len(target) <= MEMO_TARGET_LIMIT:
                if len(self._errands) >= MEMO_SIZE:
                    self._errands.clear()
                self._errands[method, target] = errand
        return errand

    def _work_out(self, method: str, raw: bytes) -> Errand:
        if method in ("CONNECT", "TRACE"):
            # A tunnel to anywhere, and an echo of what other hops have added: a gateway has use for neither.
            raise Failure("method-not-allowed", f"{method} is not forwarded.", stage="syntax", lines=ALLOW)
        try:
            target = parse(method, raw)
            if target.path == b"*":
                return Errand(target.path, b"", None, None, None)
            own = builtin.find(target.path, plain=self._health)
            match = None if own is not None else self.table.settled(method, target.path)
        except BadTarget as fault:
            raise Failure("bad-request", f"The request target is refused: {fault}.", stage="syntax") from None
        return Errand(target.path, target.query, target.authority, own, match)
