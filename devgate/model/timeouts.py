"""How long each phase of a proxied request may take: said by a route, else by its service, else by the gateway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, WithJsonSchema

from devgate.model.spec import Spec
from devgate.model.units import DURATION, DURATION_SCHEMA, Expected, parse_duration


def _limit(value: Any) -> float:
    """Seconds; 0 for none."""
    if value is False or value == 0 or (isinstance(value, str) and value.strip().lower() in ("off", "false", "0")):
        return 0.0
    try:
        return parse_duration(value)
    except ValueError as error:
        raise ValueError(f"{error}, or off") from None


TIME_LIMIT: Final = Expected(f"{DURATION.text}, or off")

TimeLimit = Annotated[
    float,
    BeforeValidator(_limit),
    TIME_LIMIT,
    DURATION,
    WithJsonSchema({"anyOf": [DURATION_SCHEMA, {"enum": ["off", False, 0]}]}),
]
"""Seconds; 0, written `off`: as long as it takes."""


def timeouts_short(value: Any) -> Any:
    """`timeout: 2m` is until the response head."""
    return value if value is None or isinstance(value, dict | Spec) else {"response": value}


class TimeoutsSpec(Spec):
    """How long each phase of a proxied request may take; `off`: as long as it likes. Services and routes may say it otherwise
    (`timeout`). Event streams, WebSockets and routes with `stream` have `connect` only."""

    connect: TimeLimit | None = None
    """Until the connection to the service is there, else 504; default: 2s on this machine, 10s elsewhere."""
    response: TimeLimit = 30.0
    """From the end of the request until the response head, else 504."""
    idle: TimeLimit = 60.0
    """Between two pieces of a body, else 408 where the request's does not come, and an answer is broken off."""
    total: TimeLimit = 0.0
    """For everything together, from the arrival of the request to the end of the answer: holding, all attempts and their pauses,
    and an injected delay. Then 504; an answer that has begun is broken off."""


class OwnTimeoutsSpec(Spec):
    """The same for one route or one service; a duration alone is `response`. What is not named here a route takes from its
    service, and a service from `gateway.timeouts`."""

    connect: TimeLimit | None = None
    """Until the connection to the service is there."""
    response: TimeLimit | None = None
    """From the end of the request until the response head."""
    idle: TimeLimit | None = None
    """Between two pieces of a body."""
    total: TimeLimit | None = None
    """For everything together."""


OwnTimeouts = Annotated[
    OwnTimeoutsSpec | None,
    BeforeValidator(timeouts_short, json_schema_input_type=OwnTimeoutsSpec | TimeLimit | None),
    Field(default=None),
    Expected("a duration such as 2m, off, a map"),
]


@dataclass(frozen=True, slots=True)
class Limit:
    """What holds for one phase."""

    seconds: float | None
    """None: as long as it takes; of `connect` where `source` is empty: as the address has it."""
    source: str
    """Who says so: `route`, `service`, `gateway`; empty: nobody, it is the default."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """What holds for the requests of a route, by phase."""

    connect: Limit
    response: Limit
    idle: Limit
    total: Limit


def resolve(
    route: OwnTimeoutsSpec | None, service: OwnTimeoutsSpec | None, gateway: TimeoutsSpec, *, stream: bool
) -> Timeouts:
    """What holds, the nearest word first.

    Args:
        stream: the route is one, and has no limit but for connecting.
    """

    def limit(phase: str) -> Limit:
        if stream and phase != "connect":
            return Limit(None, "route")
        for source, spec in (("route", route), ("service", service)):
            own = None if spec is None else getattr(spec, phase)
            if own is not None:
                return Limit(own or None, source)
        common = getattr(gateway, phase)
        return Limit(common or None, "gateway" if phase in gateway.model_fields_set and common is not None else "")

    return Timeouts(limit("connect"), limit("response"), limit("idle"), limit("total"))
