"""The settings of a stub: what is understood, and how everything else is named and refused."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.model.service import StubSpec
from devgate.stub.config import Canned, ConfigError, StubConfig, Switches, parse_document


def test_a_name_is_enough():
    config = StubConfig.from_document({"name": "auth"})
    assert config == StubConfig(name="auth")
    assert (config.port, config.host, config.health) == (0, "127.0.0.1", "/health")
    assert config.switches == Switches(
        latency=0, fail=0, fail_status=503, version="1.0.0", health="healthy", exit_code=1
    )


def test_every_key_is_read():
    config = StubConfig.from_document(
        {
            "name": "chat#2",
            "port": 6688,
            "host": "::1",
            "health": "/sse/health",
            "version": "1.2.0",
            "ready_after": 1,
            "latency": "300ms",
            "fail": 0.5,
            "fail_status": 500,
            "crash_after": "2m",
            "crash_after_requests": 7,
            "exit_code": 3,
            "responses": [{"path": "/a", "method": "post", "status": 201, "latency": "0.5s"}],
        }
    )
    assert config == StubConfig(
        name="chat#2",
        port=6688,
        host="::1",
        health="/sse/health",
        ready_after=1.0,
        crash_after=120.0,
        crash_after_requests=7,
        responses=(Canned("/a", "POST", 201, latency=0.5),),
        switches=Switches(latency=0.3, fail=0.5, fail_status=500, version="1.2.0", exit_code=3),
    )


def test_null_is_the_same_as_absent():
    assert StubConfig.from_document({"name": "a", "crash_after": None, "port": None, "responses": None}) == StubConfig(
        "a"
    )


def test_what_a_profile_can_say_is_understood():
    """The supervisor hands over a profile's `stub` as it is written to JSON."""
    spec = StubSpec.model_validate(
        {
            "responses": [
                {"path": "/a/{b}", "body": {"c": [1]}, "headers": {"X-Y": "z"}},
                {"path": "/t", "body": "text"},
            ],
            "version": "2.0.0",
            "ready_after": "1s",
            "latency": "300ms",
            "fail": 0.25,
            "fail_status": 500,
        }
    )
    config = StubConfig.from_document({"name": "auth", "port": 1, **json.loads(spec.model_dump_json())})
    assert config.switches == Switches(latency=0.3, fail=0.25, fail_status=500, version="2.0.0")
    assert config.ready_after == 1.0
    assert config.crash_after is None
    assert config.responses[0].headers == (("Content-Type", "application/json"), ("X-Y", "z"))
    assert json.loads(config.responses[0].body) == {"c": [1]}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", ""),
        ("name", "two words"),
        ("name", "a\r\nX: y"),
        ("name", 7),
        ("port", -1),
        ("port", 65536),
        ("port", "8080"),
        ("port", True),
        ("port", 1.5),
        ("host", ""),
        ("host", "a\x1b[2J"),
        ("health", "health"),
        ("health", "/a b"),
        ("health", "/a?b"),
        ("version", ""),
        ("ready_after", -0.1),
        ("ready_after", "soon"),
        ("ready_after", "5 s"),
        ("ready_after", True),
        ("latency", math.nan),
        ("latency", math.inf),
        ("latency", "1000h"),
        ("fail", 1.01),
        ("fail", -0.5),
        ("fail", math.nan),
        ("fail", "1"),
        ("fail_status", 200),
        ("fail_status", 600),
        ("crash_after", []),
        ("crash_after_requests", -1),
        ("exit_code", 256),
        ("responses", {}),
        ("responses[0]", ["/a"]),
        ("responses[0].path", [{}]),
        ("responses[0].path", [{"path": "a"}]),
        ("responses[1].path", [{"path": "/a"}, {"path": "/a\r\nb"}]),
        ("responses[0].method", [{"path": "/", "method": "GET /"}]),
        ("responses[0].status", [{"path": "/", "status": 101}]),
        ("responses[0].latency", [{"path": "/", "latency": "x"}]),
        ("responses[0].headers", [{"path": "/", "headers": ["a"]}]),
        ("responses[0].headers", [{"path": "/", "headers": {"a b": "c"}}]),
        ("responses[0].headers", [{"path": "/", "headers": {"content-LENGTH": "3"}}]),
        ("responses[0].headers.X", [{"path": "/", "headers": {"X": "a\r\nSet-Cookie: b"}}]),
        ("responses[0].headers.X", [{"path": "/", "headers": {"X": 3}}]),
        ("responses[0].headers.X", [{"path": "/", "headers": {"X": "\u20ac"}}]),
        ("responses[0].stauts", [{"path": "/", "stauts": 200}]),
        ("prot", 8080),
    ],
)
def test_an_error_names_its_key(key: str, value: object):
    document: dict[str, object] = {"name": "auth", key.partition("[")[0]: value}
    with pytest.raises(ConfigError) as caught:
        StubConfig.from_document(document)
    message = str(caught.value)
    assert message.startswith(f"{key}: ")
    assert message.isprintable()


def test_the_name_is_needed():
    with pytest.raises(ConfigError, match=r"^name: missing"):
        StubConfig.from_document({})


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '"name"', "null", "[" * 100_000])
def test_other_than_an_object_is_refused(text: str):
    with pytest.raises(ConfigError):
        parse_document(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(["name", "port", "host", "health", "version", "latency", "fail", "exit_code", "responses"])
canned_keys = st.sampled_from(["path", "method", "status", "headers", "body", "latency"])


@given(
    st.dictionaries(keys | st.text(), json_values)
    | st.dictionaries(canned_keys, json_values).map(lambda canned: {"name": "a", "responses": [canned]})
)
def test_whatever_is_given_is_read_or_refused(document: dict[str, object]):
    refusal = None
    try:
        config = StubConfig.from_document(document)
    except ConfigError as error:
        refusal = str(error)
    if refusal is None:
        assert config.name == document["name"]
    else:
        assert refusal.isprintable()


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("/a", "/a", True),
        ("/a", "/a/", False),
        ("/a", "/A", False),
        ("/a/{id}", "/a/7", True),
        ("/a/{id}", "/a/", False),
        ("/a/{id}", "/a/7/b", False),
        ("/a/{id}/b", "/a/%2F/b", True),
        ("/a/*", "/a", True),
        ("/a/*", "/a/", True),
        ("/a/*", "/a/b/c", True),
        ("/a/*", "/ab", False),
        ("/{x}/*", "/a/b", True),
        ("/*", "/", True),
        ("/*", "/a/b", True),
        ("/*", "*", False),
        ("/", "/", True),
    ],
)
def test_paths_match_by_segment(pattern: str, path: str, expected: bool):
    assert Canned(pattern).matches("GET", path) is expected


def test_a_method_is_matched_and_get_answers_head():
    assert Canned("/", "GET").matches("HEAD", "/")
    assert not Canned("/", "HEAD").matches("GET", "/")
    assert not Canned("/", "GET").matches("POST", "/")
    assert Canned("/").matches("PURGE", "/")


@pytest.mark.parametrize(
    ("body", "kind", "sent"),
    [
        ({"a": 1}, "application/json", b'{"a": 1}\n'),
        ([], "application/json", b"[]\n"),
        (0, "application/json", b"0\n"),
        (False, "application/json", b"false\n"),
        ("h\u00e9", "text/plain; charset=utf-8", "h\u00e9".encode()),
        ("", "text/plain; charset=utf-8", b""),
        ("\ud800", "text/plain; charset=utf-8", b"?"),
    ],
)
def test_a_body_is_text_or_json(body: object, kind: str, sent: bytes):
    canned = StubConfig.from_document({"name": "a", "responses": [{"path": "/", "body": body}]}).responses[0]
    assert canned.body == sent
    assert canned.headers == (("Content-Type", kind),)


def test_a_content_type_that_is_given_stays():
    headers = {"content-type": "application/hal+json"}
    document = {"name": "a", "responses": [{"path": "/", "body": {}, "headers": headers}]}
    assert StubConfig.from_document(document).responses[0].headers == (("content-type", "application/hal+json"),)
