"""Single requests over the control API."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from devgate.model import wire
from devgate.model.detail import Replayed, RequestDetail
from tests.admin.running import Api, serving
from tests.inspection.sample import DETAIL
from tests.tui.fake_control import FakeControl, request_rows, rows_under_way, sample


@pytest.fixture
def control() -> FakeControl:
    rows = request_rows()
    return FakeControl(sample(), requests_=rows, details={7: replace(DETAIL, row=rows[6])})


@pytest.fixture
async def api(control: FakeControl):
    async with serving(control) as api:
        yield api


async def test_a_request_travels_whole(api: Api, control: FakeControl) -> None:
    reply = await api.ask("GET", "/v1/requests/7")
    assert wire.decode(RequestDetail, reply.json()) == control.details[7]


async def test_one_under_way_is_named_by_its_id(api: Api, control: FakeControl) -> None:
    control.under_way = rows_under_way()
    wanted = control.under_way[0]
    reply = await api.ask("GET", f"/v1/request?id={wanted.request_id}")
    assert wire.decode(RequestDetail, reply.json()).row == wanted
    for query in ("", "?id=", "?id=nobody", "?id=%0d%0a"):
        assert (await api.ask("GET", f"/v1/request{query}")).status == 404


async def test_it_is_sent_again_by_a_post_alone(api: Api, control: FakeControl) -> None:
    assert (await api.ask("GET", "/v1/requests/7/replay")).status == 405
    assert control.asked == []
    reply = await api.ask("POST", "/v1/requests/7/replay")
    assert wire.decode(Replayed, reply.json()).status == 200
    await api.ask("POST", "/v1/requests/7/replay", json.dumps({"text": "GET /"}).encode())
    assert control.asked == [("replay", 7), ("replay", 7, "GET /")]


async def test_nobody_without_the_token(api: Api, control: FakeControl) -> None:
    for method, path in (("GET", "/v1/requests/7"), ("GET", "/v1/request?id=x"), ("POST", "/v1/requests/7/replay")):
        assert (await api.ask(method, path, headers={"Authorization": ""})).status == 401
    assert control.asked == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/requests/0", 404),
        ("/v1/requests/999999999999999999", 404),
        ("/v1/requests/9999999999999999999999", 400),
        ("/v1/requests/-1", 400),
        ("/v1/requests/x", 400),
        ("/v1/requests/%D9%A3", 400),
        ("/v1/requests/1/2", 404),
    ],
)
async def test_numbers_that_are_none(api: Api, path: str, status: int) -> None:
    reply = await api.ask("GET", path)
    assert reply.status == status
    assert reply.json()["code"]


async def test_a_text_must_be_text(api: Api, control: FakeControl) -> None:
    assert (await api.ask("POST", "/v1/requests/7/replay", b'{"text": 7}')).status == 400
    assert control.asked == []
