"""An edit that only a new process can see: shown before it is taken, marked until somebody asks, then true."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.deadline import wait_until
from tests.e2e.harness import Up, free_ports, request
from tests.e2e.terminal import Terminal
from tests.samples import command

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e


def profile(*, level: str = "info", watch: bool = True, more: str = "") -> str:
    return (
        f"reload: {{watch: {json.dumps(watch)}}}\n"
        "services:\n"
        f"  web: {{command: {json.dumps(command('echo'))}, port: auto, env_file: [web.env], env: {{LEVEL: {level}}}}}\n"
        "  other: {stub: true, port: auto}\n"
        f"routes:\n  - {{path: /web, service: web}}\n{more}"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "devgate.yaml").write_text(profile())
    (tmp_path / "web.env").write_text("DB_URL=one\n")
    return tmp_path


def seen(url: str, name: str) -> Any:
    """A variable as the service that runs has it."""
    return request(url, "GET", "/web").json()["env"][name]


def test_an_edited_env_file_is_a_badge_until_r(folder: Path) -> None:
    with Up(("--port", "0", "--trust"), folder) as up:
        url = up.ready()
        with Terminal(("attach",), folder, columns=140) as terminal:
            terminal.wait_for("2/2")
            offset = len(terminal.raw)
            (folder / "web.env").write_text("DB_URL=two\n")
            terminal.wait_for("web stale", after=offset)
            terminal.wait_for("restart to apply env_file.DB_URL", after=offset)
            assert up.service("web")["stale"] == ["env_file.DB_URL"]
            assert seen(url, "DB_URL") == "one"
            offset = terminal.press("r")
            terminal.wait_for("ready after", after=offset)
            wait_until(lambda: up.service("web")["stale"] == [], "the badge goes")
            assert seen(url, "DB_URL") == "two"
            terminal.press("d")
            assert terminal.wait() == 0


def test_the_plan_of_a_reload_names_each_field_and_what_it_takes(folder: Path) -> None:
    before, after = free_ports(2)
    (folder / "devgate.yaml").write_text(profile(watch=False) + f"gateway: {{port: {before}}}\n")
    with Up(("--trust",), folder) as up:
        url = up.ready()
        pid = up.service("web")["pid"]
        (folder / "web.env").write_text("DB_URL=two\n")
        (folder / "devgate.yaml").write_text(
            profile(level="debug", watch=False, more="  - {path: /new, service: other}\n")
            + f"gateway: {{hold: 5s, port: {after}}}\n"
        )
        plan = json.loads(up.cli("reload", "--dry-run", "--json").stdout)
        assert plan["stale"] == [{"service": "web", "keys": ["env.LEVEL", "env_file.DB_URL", "gateway.port"]}]
        assert plan["rebind"] == [f"127.0.0.1:{before} -> 127.0.0.1:{after}"]
        assert (plan["gateway"], plan["routes"]["added"], plan["keep"]) == (["hold"], ["/new"], ["other"])
        text = up.cli("reload", "--dry-run").stdout
        for words in (
            "web  env.LEVEL, env_file.DB_URL, gateway.port",
            "+ /new",
            "live     hold",
            f"rebind   127.0.0.1:{before} -> ",
        ):
            assert words in text
        with Terminal(("attach",), folder) as terminal:
            terminal.wait_for("2/2")
            offset = terminal.press("p")
            terminal.wait_for("env.LEVEL, env_file.DB_URL", after=offset)
            terminal.wait_for("live     hold", after=offset)
            terminal.press("d")
            assert terminal.wait() == 0
        assert request(url, "GET", "/new").status == 404
        assert up.service("web")["stale"] == []

        assert "web waits for a restart to take env.LEVEL, env_file.DB_URL, gateway.port" in up.cli("reload").stdout
        url = f"http://127.0.0.1:{after}"
        assert request(url, "GET", "/new").status == 200
        assert (seen(url, "LEVEL"), up.service("web")["pid"]) == ("info", pid)
        assert "web is back" in up.cli("reload", "--apply").stdout
        assert [seen(url, name) for name in ("LEVEL", "DB_URL", "DEVGATE_URL")] == ["debug", "two", url]
        assert up.service("web")["stale"] == []
