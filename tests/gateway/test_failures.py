"""Answers of the gateway's own: one structure, two renderings."""

import json

import pytest

from devgate.gateway.failures import CATALOGUE, Failure, Scene, reason, render, wants_page
from devgate.gateway.upstream.errors import STATUS, Kind

SCENE = Scene(
    request_id="id-1", path=b"/a", wall=0.5, service="s", route="r", cors=b"Access-Control-Allow-Origin: o\r\n"
)


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_kind_renders(code: str):
    failure = Failure(code, "It happened.", stage="here")
    lines, body = render(failure, SCENE)
    problem = json.loads(body)
    assert problem == {
        "type": f"urn:devgate:problem:{code}",
        "title": CATALOGUE[code].title,
        "status": CATALOGUE[code].status,
        "detail": "It happened.",
        "instance": "/a",
        "code": code,
        "error": CATALOGUE[code].title,
        "request_id": "id-1",
        "timestamp": "1970-01-01T00:00:00.500Z",
        "stage": "here",
        "service": "s",
        "route": "r",
        "category": CATALOGUE[code].category,
        "recovery": CATALOGUE[code].recovery,
        **({"retry_after": 1} if CATALOGUE[code].status == 503 else {}),
    }
    assert b"X-Devgate-Error: %b\r\n" % code.encode() in lines
    assert b"X-Request-ID: id-1\r\n" in lines
    assert b"Cache-Control: no-store\r\n" in lines
    assert b"Access-Control-Allow-Origin: o\r\n" in lines


@pytest.mark.parametrize("kind", Kind)
def test_everything_that_a_service_can_do_is_in_the_catalogue(kind: Kind):
    assert CATALOGUE[kind.value].status == STATUS.get(kind, 502)


def test_a_hint_becomes_a_sentence():
    _, body = render(Failure("crashed", "It crashed.", hint="look at its log"), SCENE)
    assert json.loads(body)["detail"] == "It crashed. Look at its log."


@pytest.mark.parametrize(("wait_s", "whole"), [(0, 1), (0.2, 1), (1.0, 1), (1.01, 2), (59.5, 60)])
def test_retry_after_is_rounded_up(wait_s: float, whole: int):
    lines, body = render(Failure("circuit-open", "Open.", retry_after_s=wait_s), SCENE)
    assert b"Retry-After: %d\r\n" % whole in lines
    assert json.loads(body)["retry_after"] == whole


def test_facts_are_members_unless_empty():
    _, body = render(Failure("crashed", "x", facts={"exit_code": 0, "last_line": "", "state": None}), SCENE)
    problem = json.loads(body)
    assert problem["exit_code"] == 0
    assert not {"last_line", "state"} & problem.keys()


def test_no_cors_where_the_origin_itself_was_refused():
    lines, _ = render(Failure("origin-not-allowed", "x", cors=False), SCENE)
    assert b"Access-Control" not in lines
    assert b"Vary: Origin\r\n" in lines


HOSTILE = "<img src=x onerror=alert(1)>\"'&\x1b[31m"


def test_a_page_escapes_everything():
    scene = Scene(request_id="id", path=HOSTILE.encode(), wall=0, service=HOSTILE, route=HOSTILE, html=True)
    lines, body = render(Failure("crashed", HOSTILE, hint=HOSTILE, facts={"last_line": HOSTILE}), scene)
    assert b"<img" not in body
    assert b"Content-Type: text/html; charset=utf-8\r\n" in lines
    assert b"default-src 'none'" in lines
    assert b"X-Content-Type-Options: nosniff\r\n" in lines


def test_bytes_that_are_no_text_do_not_matter():
    _, body = render(Failure("no-route", "x\udcff"), Scene(request_id="", path=b"/\xff\x00", wall=0))
    json.loads(body)


@pytest.mark.parametrize(
    ("accept", "destination", "page"),
    [
        (b"text/html,application/xml", b"document", True),
        (b"text/html", b"", False),
        (b"text/html", b"empty", False),
        (b"*/*", b"document", False),
    ],
)
def test_who_gets_a_page(accept: bytes, destination: bytes, page: bool):
    assert wants_page(accept, destination) is page


def test_reason_phrases():
    assert (reason(404), reason(799)) == (b"Not Found", b"Unknown")
