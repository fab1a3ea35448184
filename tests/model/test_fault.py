"""A fault: what may be asked for, and how it is told."""

from typing import Any

import pytest
from pydantic import ValidationError

from devgate.model import wire
from devgate.model.fault import Fault
from devgate.model.middleware import FaultSpec


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "needs one of"),
        ({"status": 200}, "200 is no error status"),
        ({"latency_s": -1.0}, "a latency is from 0s to 1d"),
        ({"latency_s": float("nan")}, "a latency is from"),
        ({"cut_bytes": -1}, "after 0 bytes or more"),
        ({"throttle": -1}, "some bytes a second"),
        ({"status": 500, "share": 0.0}, "more than 0 and at most 1"),
        ({"status": 500, "cut_bytes": 1}, "nothing to cut"),
    ],
)
def test_what_means_nothing_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Fault(**values)
    with pytest.raises(ValueError, match=message):
        wire.decode(Fault, values)


def test_in_words() -> None:
    assert Fault(latency_s=0.3, status=503, share=0.5).words == "300ms late, 503 for 50 %"
    assert Fault(cut_bytes=0, throttle=65_536, share=0.005).words == "cut after 0B, 64KiB/s for 0.5 %"


def test_as_a_profile_writes_it() -> None:
    spec = FaultSpec.model_validate({"latency": "1s", "cut": "1KiB", "share": "0.5", "count": "false"})
    assert spec.fault() == Fault(latency_s=1.0, cut_bytes=1024, share=0.5, count=False)
    with pytest.raises(ValidationError, match="needs one of"):
        FaultSpec()
