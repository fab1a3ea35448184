"""What a profile may have done to the requests and answers of a route on their way."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from devgate.model.fault import Fault
from devgate.model.spec import Spec
from devgate.model.units import Duration, Size


class FaultSpec(Spec):
    """A fault that is on from the start: what a front end does about a slow or failing service can be tried without one.
    `devgate faults` sets and clears them while it runs."""

    latency: Duration = 0.0
    """How long a request waits before it goes on."""
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    """What devgate answers instead of the service."""
    cut: Size | None = None
    """After so many bytes of the answer's body the connection is reset."""
    throttle: Size | None = None
    """Bytes a second that the answer may have."""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the requests that it happens to."""
    count: bool = True
    """Whether the service's breaker takes it for the service's failure."""
    lasts: Duration | None = None
    """How long after the profile was taken over it ends by itself; default: it does not."""

    @model_validator(mode="after")
    def _means_something(self) -> Self:
        self.fault()
        return self

    def fault(self) -> Fault:
        """The same as a plain value."""
        return Fault(
            latency_s=self.latency,
            status=self.status or 0,
            cut_bytes=self.cut,
            throttle=self.throttle or 0,
            share=self.share,
            count=self.count,
        )
