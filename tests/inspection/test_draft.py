"""A request as a text to edit."""

from dataclasses import replace

import pytest

from devgate.errors import CommandError
from devgate.inspection.draft import Known, outgoing, same, text_of
from devgate.model.detail import Body
from tests.inspection.sample import DETAIL

SECRET = b"hunter2-hunter2"
KNOWN = Known(
    "POST",
    b"/api/chat?q=a%20b&token=" + SECRET,
    (
        (b"Host", b"127.0.0.1:8080"),
        (b"Authorization", b"Bearer " + SECRET),
        (b"Content-Type", b"application/json"),
        (b"X-Empty", b""),
        (b"Cookie", b"a=" + SECRET + b"; b=2"),
        (b"Accept-Encoding", b"gzip"),
        (b"Content-Length", b"16"),
    ),
    b'{"text": "it\'s"}',
)


def test_what_is_left_alone_is_sent_as_it_was():
    assert outgoing(text_of(DETAIL), DETAIL, KNOWN) == same(KNOWN)
    assert outgoing(text_of(DETAIL).replace("\n", "\r\n") + "\n", DETAIL, KNOWN) == same(KNOWN)
    assert (b"Content-Length", b"16") not in same(KNOWN).fields


def test_changes_are_sent_beside_secrets_that_stay():
    text = text_of(DETAIL).replace("POST /api/chat?q=a%20b&token=***", "PUT /other").replace("it's", "new")
    sent = outgoing(text.replace("X-Empty:", "X-Empty: now"), DETAIL, KNOWN)
    assert (sent.method, sent.target) == ("PUT", b"/other")
    assert (b"Authorization", b"Bearer " + SECRET) in sent.fields
    assert (b"X-Empty", b"now") in sent.fields
    assert sent.body == b'{"text": "new"}'


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("/api/chat?q=a%20b", "/api/chat?q=c", "path was changed and still holds a mask"),
        ("Bearer ***", "Bearer x***", "Authorization was changed and still holds a mask"),
        ("Cookie: a", "no header", "this is no header"),
        ("POST /", "POST ", "the first line must be"),
        ("POST ", "PO\x00ST ", "the first line must be"),
        ("X-Empty:", "X-Empty: a\x00b", "cannot be sent"),
    ],
)
def test_what_cannot_be_sent_is_said(old: str, new: str, said: str):
    with pytest.raises(CommandError, match=said.replace("*", "\\*")):
        outgoing(text_of(DETAIL).replace(old, new), DETAIL, KNOWN)


def test_a_masked_body_is_all_or_nothing():
    detail = replace(DETAIL, request_body=Body(16, text='{"password": "***"}'))
    assert outgoing(text_of(detail), detail, KNOWN).body == KNOWN.body
    with pytest.raises(CommandError, match="write the secret"):
        outgoing(text_of(detail).replace("}", ', "a": 1}'), detail, KNOWN)


@pytest.mark.parametrize("text", ["", "\n\n\n", "GET", "GET /a b c d", "GET /\x1b[2J HTTP/1.1", "\ud800 /"])
def test_nonsense(text: str):
    with pytest.raises(CommandError):
        outgoing(text, DETAIL, KNOWN)
