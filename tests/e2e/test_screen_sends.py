"""A request that is changed in the editor and sent, in a real terminal with a real service."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.e2e.harness import run
from tests.e2e.terminal import Terminal
from tests.e2e.test_screen_leaves import program

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e

SECRET = "hunter2-hunter2-hunter2"


def test_a_request_is_changed_and_sent_with_the_secret_that_nobody_sees(tmp_path: Path) -> None:
    (tmp_path / "devgate.yaml").write_text(
        "services: {echo: {stub: true, port: auto}}\nroutes: [{path: /*, service: echo}]\n"
    )
    editor = program(
        tmp_path / "editor",
        "import sys\nfrom pathlib import Path\nfile = Path(sys.argv[-1])\ntext = file.read_text()\n"
        f"assert {SECRET!r} not in text\nfile.write_text(text.replace('hello', 'changed'))\n",
    )
    with Terminal(("up", "--port", "0", "--auto-ports", "--trust"), tmp_path, EDITOR=editor, VISUAL="") as terminal:
        terminal.wait_for("ready")
        url = json.loads(run("status", "--json", cwd=tmp_path).stdout)["url"]
        request = urllib.request.Request(url + "/x", b'{"say": "hello"}', {"Authorization": f"Bearer {SECRET}"})
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200
        terminal.press("2")
        terminal.wait_for("Requests 1 of the last 1")
        terminal.press("\r")
        terminal.wait_for("Decisions")
        offset = terminal.press("e")
        terminal.wait_for("It will have its effects once more", after=offset)
        offset = terminal.press("\r")
        terminal.wait_for("answered with 200", after=offset)
        last = json.loads(run("requests", "show", "2", "--json", cwd=tmp_path).stdout)
        assert json.loads(last["request_body"]["text"]) == {"say": "changed"}
        (sent,) = [one["value"] for one in last["request"] if one["name"].lower() == "authorization"]
        (first,) = [
            one["value"]
            for one in json.loads(run("requests", "show", "1", "--json", cwd=tmp_path).stdout)["request"]
            if one["name"].lower() == "authorization"
        ]
        assert sent == first  # masked alike, so it was the same
        terminal.quit()
