"""Bodies without secrets."""

import gzip
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.inspection.bodies import LARGEST, body_of, redacted, redacted_form, redacted_json

SECRET = "hunter2-hunter2-hunter2"


def of(data: bytes, kind: str = "application/json", **more: bytes):
    fields = [
        (b"Content-Type", kind.encode()),
        *((name.replace("_", "-").encode(), value) for name, value in more.items()),
    ]
    return body_of(fields, data, len(data))


@pytest.mark.parametrize(
    "text",
    [
        '{"token": "%s"}',
        '{"tok\\u0065n": "%s"}',
        '{"a": [{"user": {"password": "%s"}}]}',
        '{"credentials": {"value": "%s"}}',
        '{"access_token": ["%s", "x"]}',
        '[1, {"apiKey": "%s"}',  # cut
        '{"password": "%s',
    ],
)
def test_no_spelling_hides_a_secret_in_json(text: str):
    assert SECRET not in redacted_json(text % SECRET)
    assert SECRET not in of((text % SECRET).encode()).text
    assert SECRET not in of((text % SECRET).encode(), "").text


def test_a_number_can_be_a_secret():
    assert redacted_json('{"pin_token": 123456, "n": 3}') == '{"pin_token": "***", "n": 3}'


def test_what_holds_no_secret_keeps_every_byte():
    text = '{"a":1.50,  "b":[true,null],"keyboard":"x"}'
    assert of(text.encode()).text == text


@pytest.mark.parametrize("text", ["password={}", "user=a&pass%77ord={}&x=1", "access_token={}"])
def test_forms(text: str):
    shown = of(text.format(SECRET).encode(), "application/x-www-form-urlencoded").text
    assert SECRET not in shown
    assert "=***" in shown


def test_a_form_without_secrets_stays():
    assert redacted_form("a=1&b=%20&c&=&d=x+y") == "a=1&b=%20&c&=&d=x+y"


def test_multipart_hides_fields_and_leaves_files_out():
    part = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    data = (
        part.format("password", SECRET)
        + part.format("note", "hello")
        + part.format('f"; filename="a.bin', SECRET)
        + "--b--\r\n"
    )
    shown = of(data.encode(), "multipart/form-data; boundary=b").text
    assert SECRET not in shown
    assert "hello" in shown
    assert "a.bin" in shown
    assert "characters of a file" in shown


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_compressed_bodies_are_read(coding: str, pack):  # type: ignore[no-untyped-def]
    body = of(pack(json.dumps({"token": SECRET, "a": 1}).encode()), content_encoding=coding.encode())
    assert json.loads(body.text)["a"] == 1
    assert SECRET not in body.text
    half = pack(b'{"a": "' + b"xyz" * 900)[:-9]
    assert body_of([(b"content-encoding", coding.encode()), (b"content-type", b"text/plain")], half, 10_000).cut


def test_a_bomb_is_cut():
    body = of(gzip.compress(b"a" * 50_000_000), "text/plain", content_encoding=b"gzip")
    assert len(body.text) <= LARGEST
    assert body.cut


@pytest.mark.parametrize("coding", [b"br", b"zstd", b"gzip, br", b"gzip"])
def test_what_cannot_be_read_is_not_shown(coding: bytes):
    body = of(SECRET.encode(), "text/plain", content_encoding=coding)
    assert (body.text, body.base64) == ("", "")
    assert "not shown" in body.note


def test_pictures_travel_whole_unless_they_hold_words():
    assert of(b"\x89PNG\r\n\x1a\n\x00", "image/png").base64
    shown = of(b"token=" + SECRET.encode(), "image/png")
    assert (shown.base64, shown.text) == ("", "")
    assert "secret" in shown.note


def test_binary_of_no_known_kind_is_a_size():
    body = of(b"\x00\x01\x02token=abc", "application/octet-stream")
    assert (body.text, body.base64, body.size) == ("", "", 12)


def test_charsets_and_letters_that_are_cut():
    assert of("grüße".encode("latin-1"), "text/plain; charset=iso-8859-1").text == "grüße"
    assert of(b"abc", "text/plain; charset=zip").text == "abc"
    assert body_of([(b"content-type", b"text/plain")], "grüß".encode()[:-1], 99).text == "grü"
    assert of(b"\xff\xfe", "text/plain").text == "\ufffd\ufffd"


def test_a_body_that_was_not_kept():
    body = body_of([], b"", 70)
    assert (body.size, body.cut) == (70, True)
    assert body.note


@given(
    st.text(),
    st.sampled_from(["", "application/json", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]),
)
def test_nothing_raises(text: str, kind: str):
    redacted(text, kind).encode("utf-8", "surrogatepass")


@given(st.binary(max_size=300), st.sampled_from(["text/plain", "", "image/png", "application/json"]))
def test_no_bytes_raise(data: bytes, kind: str):
    body = of(data, kind)
    assert body.size == len(data)


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_no_json_value_raises(value: object):
    json.loads(redacted_json(json.dumps({"token": value, "a": value})))
