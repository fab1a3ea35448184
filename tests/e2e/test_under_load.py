"""Not one failed request while services restart, files change and profiles switch; each POST arrives exactly once."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.harness import Up, wait_until
from tests.e2e.load import Load

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.e2e

LEDGER = Path(__file__).parents[1] / "samples" / "ledger.py"


def profile(folder: Path, *, replicas: int = 1, extra: str = "", hold: str = "30s") -> str:
    command = f"['{sys.executable}', '{LEDGER}', '{folder / 'ledger.txt'}', '0.3']"
    return (
        f"gateway: {{hold: {hold}}}\nsync: {{enabled: false}}\nservices:\n"
        f"  ledger: {{command: {command}, port: 0, replicas: {replicas}, ready: {{tcp: true, start_interval: 50ms}},"
        f" watch: [watched]{extra}}}\n  other: {{stub: true, port: auto}}\n"
        "routes:\n  - {path: /ledger, service: ledger}\n  - {path: /other, service: other}\n"
    ).replace("port: 0", "port: auto" if replicas == 1 else f"port: {BASE_PORT}")


BASE_PORT = 18631


def restart(up: Up) -> None:
    up.cli("restart", "ledger")


def switch(up: Up) -> None:
    up.cli("switch", "other.yaml", "--yes")
    wait_until(lambda: up.service("ledger")["state"] == "ready", "ready again")


def reload_routes(up: Up) -> None:
    file = up.cwd / "devgate.yaml"
    file.write_text(file.read_text() + "  - {path: /more, service: other}\n")
    wait_until(lambda: "/more" in up.cli("routes").stdout, "the new route")


def touch(up: Up) -> None:
    pid = up.service("ledger")["pid"]
    (up.cwd / "watched" / "file.py").write_text("changed")
    wait_until(lambda: (row := up.service("ledger"))["pid"] not in (pid, None) and row["state"] == "ready", "restarted")


@pytest.mark.parametrize(
    ("happening", "replicas"),
    [(restart, 1), (restart, 2), (switch, 1), (reload_routes, 1), (touch, 1)],
    ids=["restart", "rolling restart", "switch", "reload", "watched file"],
)
def test_nothing_fails(tmp_path: Path, happening: Callable[[Up], None], replicas: int) -> None:
    (tmp_path / "watched").mkdir()
    (tmp_path / "devgate.yaml").write_text(profile(tmp_path, replicas=replicas))
    (tmp_path / "other.yaml").write_text(profile(tmp_path, extra=", env: {CHANGED: 1}"))
    with Up(("--port", "0", "--trust"), tmp_path) as up:
        url = up.ready()
        with Load(url, "/ledger") as load:
            wait_until(lambda: load.sent > 100, "load")
            happening(up)
            before = load.sent
            wait_until(lambda: load.sent > before + 100, "load afterwards")
        assert load.bad == []
        ledger = (tmp_path / "ledger.txt").read_text().split()
    assert sorted(ledger) == sorted(load.posted)


def test_without_holding_the_same_load_does_fail(tmp_path: Path) -> None:
    (tmp_path / "watched").mkdir()
    (tmp_path / "devgate.yaml").write_text(profile(tmp_path, hold="0s"))
    with Up(("--port", "0", "--trust"), tmp_path) as up:
        url = up.ready()
        with Load(url, "/ledger") as load:
            wait_until(lambda: load.sent > 100, "load")
            restart(up)
            time.sleep(0.2)
        assert load.bad
        assert all("503" in line for line in load.bad)
