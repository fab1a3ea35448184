"""The traffic view's language."""

from dataclasses import replace

import pytest

from devgate.tui.traffic_filter import parse
from tests.tui.fake_control import request_rows

ROW = replace(
    request_rows(1)[0],
    method="POST",
    path="/api/chat/7",
    status=503,
    service="chat",
    route="/api/chat/*",
    duration_ms=1500,
    held_ms=900,
    error="service-unavailable",
    kind="http",
    request_id="0190-abcd",
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "chat",
        "CHAT",
        "service:cha",
        "status:503",
        "status:5xx",
        "status:50x",
        "path:/api",
        "method:post",
        "route:chat",
        "error:any",
        "error:unavail",
        "kind:http",
        "id:0190",
        "took:>1s",
        "took:<2s",
        "held:>500ms",
        "-status:2xx",
        "service:chat status:5xx -method:GET chat",
        "unavailable",
    ],
)
def test_lets_through(text: str):
    assert parse(text)(ROW)


@pytest.mark.parametrize(
    "text",
    [
        "zebra",
        "service:auth",
        "status:2xx",
        "status:404",
        "-chat",
        "took:>2s",
        "held:<1ms",
        "kind:sse",
        "service:chat status:200",
    ],
)
def test_holds_back(text: str):
    assert not parse(text)(ROW)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sevice:auth", "did you mean service"),
        ("zzz:1", "there are service"),
        ("status:abc", "status:404"),
        ("status:5000", "status:5xx"),
        ("took:1s", "took:>500ms"),
        ("took:>5", "no unit"),
    ],
)
def test_says_what_is_wrong(text: str, said: str):
    with pytest.raises(ValueError, match=said):
        parse(text)


def test_a_url_is_text():
    assert parse("http://x")(replace(ROW, path="/?to=http://x"))
