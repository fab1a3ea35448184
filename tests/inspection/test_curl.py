"""A command that sends a request again."""

import shlex
import subprocess
from dataclasses import replace

import pytest

from devgate.inspection.curl import curl, quoted
from devgate.model.detail import Body, Field
from tests.inspection.sample import DETAIL, MASKED, ROW


def words(command: str) -> list[str]:
    return shlex.split(command.replace(" \\\n", " "), comments=True)


def test_a_command():
    assert words(curl(DETAIL)) == [
        "curl", "-i", "http://127.0.0.1:8080/api/chat?q=a%20b&token=***", "-H", f"Authorization: Bearer {MASKED}", "-H",
        "Content-Type: application/json", "-H", "X-Empty;", "-H", "Cookie: a=***; b=***", "--compressed", "--data-raw",
        '{"text": "it\'s"}',
    ]  # fmt: skip
    assert curl(DETAIL).startswith("# secrets are masked")


@pytest.mark.parametrize(
    ("method", "body", "option"),
    [
        ("GET", "", []),
        ("POST", "", ["-X", "POST"]),
        ("GET", "x", ["-X", "GET"]),
        ("HEAD", "", ["--head"]),
        ("PUT", "x", ["-X", "PUT"]),
    ],
)
def test_methods(method: str, body: str, option: list[str]):
    detail = replace(DETAIL, row=replace(ROW, method=method), request_body=Body(len(body), text=body))
    assert words(curl(detail))[1 : 2 + len(option)] == ["-i", *option]


def test_a_body_that_is_not_whole_is_said():
    detail = replace(DETAIL, request_body=Body(900, cut=True, note="not shown: binary"))
    assert "# the body of 900 bytes is not all here: not shown: binary" in curl(detail)


@pytest.mark.parametrize(
    "text", ["a'b; rm -rf ~", "$(id)", "`id`", "\\", "\x1b]52;c;x\x07", "it's \u202e\x9b", "a\nb\tc", "", "é"]
)
def test_the_shell_gets_the_text_and_the_terminal_nothing(text: str):
    word = quoted(text)
    assert not any(sign in word for sign in "\x1b\x07\u202e\x9b")
    done = subprocess.run(
        ["bash", "-c", f"printf %s {word}"], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}
    )
    assert done.stdout.decode() == text


def test_a_header_cannot_begin_another_option():
    detail = replace(DETAIL, request=(Field("X", "' -o /etc/passwd '"),))
    assert "X: ' -o /etc/passwd '" in words(curl(detail))
