"""What a failed attempt means: to whoever may send the request again, to the breaker, to the client and to the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devgate.gateway.capture import Trial
from devgate.gateway.failures import Failure
from devgate.gateway.screened import Refused
from devgate.gateway.upstream.errors import Kind, UpstreamError
from devgate.policy.breaker import Outcome
from devgate.policy.rescue import IDEMPOTENT, Mishap

if TYPE_CHECKING:
    from devgate.errors import DevgateError
    from devgate.gateway.relay import Relay

BROKE_OFF: Final = frozenset({Kind.CONNECT_REFUSED, Kind.RESET, Kind.TRUNCATED})
"""As happens when a process ends."""
_TIMEOUTS: Final = frozenset({Kind.CONNECT_TIMEOUT, Kind.RESPONSE_TIMEOUT})
_OURS: Final = frozenset({Kind.OVERLOADED, Kind.PROHIBITED})


def mishap_of(error: UpstreamError, method: str) -> Mishap:
    """As `policy.rescue` wants to know it."""
    return Mishap(
        dead_connection=error.replayable(idempotent=method in IDEMPOTENT),
        reached=error.sent_any,
        broke_off=error.kind in BROKE_OFF,
    )


def blame(relay: Relay, error: UpstreamError) -> None:
    """The breaker hears of it."""
    if error.kind in BROKE_OFF:
        relay.cast_loss(error.detail)
    elif error.kind in _OURS:
        relay.cast(Outcome.IGNORED)
    else:
        relay.cast(Outcome.TIMEOUT if error.kind in _TIMEOUTS else Outcome.FAILURE, error.detail)


def give_up(relay: Relay, error: UpstreamError) -> None:
    """The client hears of it."""
    blame(relay, error)
    if error.kind in BROKE_OFF:
        relay.lose()


def failure_of(error: UpstreamError, service: str) -> Failure:
    """As the client hears of it, if nothing else helps."""
    sentence = f"{service}: {error.detail}."
    return Failure(error.kind.value, sentence, stage=error.stage.value)


def note(relay: Relay, error: UpstreamError, then: str) -> None:
    """As the record tells it; `then` is what came of it."""
    kind = "status" if isinstance(error, Refused) else error.kind.value
    instance = relay.instance
    relay.exchange.traced().steps.append(Trial(instance.service, instance.replica, kind, error.detail, then))


def settle(relay: Relay, how: DevgateError | None) -> DevgateError | None:
    """What an attempt's end leaves to be done: nothing, or something about its error, of which the client knows nothing yet."""
    if how is None:
        relay.cast_status()
        return None
    exchange = relay.exchange
    if not isinstance(how, UpstreamError):
        relay.cast(Outcome.IGNORED)
        return how
    if not exchange.started:
        return how
    exchange.error = how.kind.value
    exchange.close = True
    exchange.client.abort()
    give_up(relay, how)
    return None
