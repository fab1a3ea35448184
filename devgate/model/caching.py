"""What a route says about keeping answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from devgate.model.spec import Spec
from devgate.model.units import Duration, Size


def cache_short(value: Any) -> Any:
    """`cache: 5m` is a time to live, `cache: true` takes every setting as it is."""
    if isinstance(value, str) and value.lower() in ("true", "false"):
        value = value.lower() == "true"
    if isinstance(value, bool):
        return {} if value else None
    return {"ttl": value} if isinstance(value, str) else value


class CacheSpec(Spec):
    """Keep answers to GET and give them again (RFC 9111, as a shared cache). `cache: true` keeps what answers themselves declare
    fresh; `cache: 5m` also what says nothing, for so long. Answers with `no-store`, `private` or `Set-Cookie` are never kept.
    `CDN-Cache-Control` counts in place of `Cache-Control` (RFC 9213)."""

    ttl: Duration = 0.0
    """How long an answer is fresh that does not say so itself."""
    force_ttl: Duration | None = None
    """How long an answer is fresh whatever it says; `Cache-Status` shows it."""
    stale_if_error: Duration = 0.0
    """How long after that it may still stand in for a service that is down or answers 500, 502, 503 or 504, unless the answer
    forbids it with `must-revalidate` or the like."""
    authorized: Literal["standard", "per-user"] = "standard"
    """Answers to requests with `Authorization`, `Cookie` or `X-API-Key`. `standard`: kept only where the answer says `public`,
    `s-maxage` or `must-revalidate`. `per-user`: kept for exactly those credentials, also if `private`."""
    max_item: Annotated[Size, Field(gt=0)] = 2**20
    """Larger bodies are passed on and not kept."""
