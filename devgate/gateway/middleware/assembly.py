"""From what a route says to its chain, and the order in it (SEMANTICS 3.0).

Gates: size and limits before anything is done for the request, then what the service is told. Steps: the total time outermost,
which runs whatever the request waits for; then faults, because whoever asked for them wants them whatever else would help.
Filters, from the service on: what a fault cuts off, compression, what is told for debugging, then header and cookie changes,
which have the last word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devgate.gateway.middleware.chain import Chain
from devgate.gateway.middleware.compress import compressed
from devgate.gateway.middleware.debug import debugged
from devgate.gateway.middleware.edits import answer_edits, request_edits
from devgate.gateway.middleware.faults import faulty
from devgate.gateway.middleware.limits import THEIRS
from devgate.gateway.middleware.size import sized
from devgate.gateway.middleware.total import limited as limited_in_time
from devgate.policy.cookies import CookieRewrite
from devgate.policy.edits import Edits

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.clock import Clock
    from devgate.gateway.middleware.chain import Filter, Gate, Step
    from devgate.model.fault import Fault
    from devgate.model.middleware import CookieSpec
    from devgate.model.route import RouteSpec


def assemble(
    spec: RouteSpec,
    max_body: int | None,
    limit: Gate | None,
    total_s: float | None,
    fault: Fault | None,
    clock: Clock,
    draw: Callable[[], float],
    *,
    debug: bool,
    limited: bool,
) -> Chain | None:
    """The chain of a route; None if it asks for nothing.

    Args:
        max_body: bytes that a request's body may have.
        limit: its second phase of limits.
        total_s: how long a request may take in all.
        fault: what goes wrong with it at present.
        draw: gives numbers in [0, 1).
        debug: answers say how they came about.
        limited: limits of either phase tell the client how it stands.
    """
    gates: list[Gate] = [] if max_body is None else [sized(max_body)]
    if limit is not None:
        gates.append(limit)
    steps: list[Step] = []
    filters: list[Filter] = []
    told = spec.request_headers
    if (edits := Edits.of(told.remove, told.set, told.add)) is not None:
        gates.append(request_edits(edits))
    if total_s is not None:
        steps.append(limited_in_time(total_s, clock))
    if fault is not None:
        step, cuts = faulty(fault, clock, draw)
        steps.append(step)
        filters += cuts
    if spec.compress is not None:
        filters.append(compressed(spec.compress))
    if debug:
        filters.append(debugged)
    telling = spec.response_headers
    answer = Edits.of((*telling.remove, *(THEIRS if limited else ())), telling.set, telling.add)
    cookies = _cookies(spec.cookies)
    if answer is not None or cookies is not None:
        filters.append(answer_edits(answer, cookies))
    chain = Chain(tuple(gates), tuple(steps), tuple(filters))
    return chain if chain else None


def _cookies(spec: CookieSpec) -> CookieRewrite | None:
    rewrite = CookieRewrite(spec.domain, spec.path, spec.prefix, spec.secure, spec.same_site)
    return None if rewrite == CookieRewrite() else rewrite
