"""Faults over the control API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from devgate.model.fault import LASTS_S, Fault
from devgate.model.snapshot import FaultRow
from tests.admin.running import Api, serving
from tests.tui.fake_control import FakeControl, sample

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LATE = Fault(latency_s=0.3, share=0.5)


@pytest.fixture
def control() -> FakeControl:
    return FakeControl(sample())


@pytest.fixture
async def api(control: FakeControl) -> AsyncIterator[Api]:
    async with serving(control) as one:
        yield one


async def test_those_that_are_on(api: Api, control: FakeControl) -> None:
    assert (await api.ask("GET", "/v1/faults")).json() == {"faults": []}
    control.change(faults=(FaultRow("/api/*", LATE, LATE.words, 12.5, "operator"),))
    (row,) = (await api.ask("GET", "/v1/faults")).json()["faults"]
    assert (row["route"], row["words"], row["left_s"]) == ("/api/*", "300ms late for 50 %", 12.5)
    assert row["fault"]["latency_s"] == 0.3


async def test_set_and_clear(api: Api, control: FakeControl) -> None:
    fault = {"latency_s": 0.3, "share": 0.5}
    for body in ({"route": "/api/*", "fault": fault, "lasts_s": 60}, {"route": "/x", "fault": fault}):
        assert (await api.ask("POST", "/v1/faults", json.dumps(body).encode())).status == 204
    assert (await api.ask("POST", "/v1/faults/clear", b'{"route": "/x"}')).status == 204
    assert (await api.ask("POST", "/v1/faults/clear")).status == 204
    assert control.asked == [
        ("fault", "/api/*", LATE, 60.0),
        ("fault", "/x", LATE, LASTS_S),
        ("clear faults", "/x"),
        ("clear faults", None),
    ]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"route": "/x"}, "expected an object"),
        ({"route": "/x", "fault": {}}, "needs one of"),
        ({"route": "/x", "fault": {"status": 99}}, "99 is no error status"),
        ({"route": "/x", "fault": {"status": "503"}}, "expected a whole number"),
        ({"route": 7, "fault": {"status": 503}}, "route must be text"),
        ({"route": "/x", "fault": {"status": 503}, "lasts_s": "1m"}, "expected a number"),
    ],
)
async def test_nonsense_is_refused(api: Api, control: FakeControl, body: dict[str, Any], detail: str) -> None:
    reply = await api.ask("POST", "/v1/faults", json.dumps(body).encode())
    assert reply.status == 400
    assert detail in reply.json()["detail"]
    assert control.asked == []
