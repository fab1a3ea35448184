"""HTTP Archive 1.2, member by member."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from devgate.inspection.har import archive, entry
from devgate.model.detail import Body, RequestDetail
from tests.inspection.sample import DETAIL, ROW

NUMBER = (int, float)
NAMED = {"name": str, "value": str}
SCHEMA: dict[str, Any] = {
    "startedDateTime": str,
    "time": NUMBER,
    "request": {
        "method": str, "url": str, "httpVersion": str, "cookies": [NAMED], "headers": [NAMED], "queryString": [NAMED],
        "headersSize": int, "bodySize": int,
    },
    "response": {
        "status": int, "statusText": str, "httpVersion": str, "cookies": [NAMED], "headers": [NAMED],
        "content": {"size": int, "mimeType": str}, "redirectURL": str, "headersSize": int, "bodySize": int,
    },
    "cache": {},
    "timings": {"send": NUMBER, "wait": NUMBER, "receive": NUMBER},
}  # fmt: skip
"""What HAR 1.2 calls mandatory."""


def check(value: Any, schema: Any, path: str = "") -> None:
    if isinstance(schema, dict):
        for name, kind in schema.items():
            assert name in value, f"{path}.{name} is missing"
            check(value[name], kind, f"{path}.{name}")
    elif isinstance(schema, list):
        for number, one in enumerate(value):
            check(one, schema[0], f"{path}[{number}]")
    else:
        assert isinstance(value, schema), path


@pytest.mark.parametrize(
    "detail",
    [
        DETAIL,
        RequestDetail(ROW, note="gone"),
        RequestDetail(replace(ROW, status=0, error="cut", path="*")),
        RequestDetail(replace(ROW, status=499, error="client-left")),
        replace(DETAIL, row=replace(ROW, kind="websocket")),
        replace(
            DETAIL,
            response_body=Body(3, "image/png", base64="AAAA"),
            request_body=Body(9, cut=True, note="not shown: binary"),
        ),
    ],
)
def test_every_mandatory_member(detail: RequestDetail):
    document = json.loads(json.dumps(archive([detail])))["log"]
    assert document["version"] == "1.2"
    assert document["creator"]["name"] == "devgate"
    (one,) = document["entries"]
    check(one, SCHEMA)
    assert datetime.fromisoformat(one["startedDateTime"]).tzinfo is not None
    parts = one["timings"]
    assert all(parts[name] >= 0 for name in ("send", "wait", "receive"))
    assert one["time"] == pytest.approx(sum(value for value in parts.values() if value >= 0))


def test_what_it_says():
    one = entry(DETAIL)
    assert one["request"]["url"] == "http://127.0.0.1:8080/api/chat?q=a%20b&token=***"
    assert {"name": "q", "value": "a b"} in one["request"]["queryString"]
    assert one["request"]["cookies"] == [{"name": "a", "value": "***"}, {"name": "b", "value": "***"}]
    assert one["request"]["postData"] == {"mimeType": "application/json", "text": '{"text": "it\'s"}'}
    assert one["response"]["cookies"] == [{"name": "sid", "value": "***"}]
    assert one["response"]["redirectURL"] == "/api/chat/7"
    assert one["timings"] == {"blocked": 10, "dns": -1, "connect": 0.5, "send": 0, "wait": 20, "receive": 4, "ssl": -1}
    assert one["_devgate"]["decisions"][0]["step"] == "route"


def test_binary_is_base64_and_messages_are_listed():
    one = entry(replace(DETAIL, response_body=Body(3, "image/png", base64="AAAA")))
    assert one["response"]["content"] == {"size": 3, "mimeType": "image/png", "text": "AAAA", "encoding": "base64"}
    sent, received = entry(replace(DETAIL, row=replace(ROW, kind="websocket")))["_webSocketMessages"]
    assert (sent["type"], sent["opcode"], sent["data"]) == ("send", 1, "hi")
    assert (received["type"], received["opcode"]) == ("receive", 8)


def test_an_answer_that_there_was_not_is_none():
    one = entry(RequestDetail(replace(ROW, status=499, error="client-left")))["response"]
    assert (one["status"], one["statusText"], one["headers"]) == (499, "Client Closed Request", [])
    assert one["comment"] == "no answer: the client left before one had begun"


def test_oldest_first():
    later = replace(DETAIL, row=replace(ROW, at=ROW.at + 1, request_id="later"))
    entries = archive([later, DETAIL])["log"]["entries"]
    assert [one["_devgate"]["requestId"] for one in entries] == ["0190-0007", "later"]
