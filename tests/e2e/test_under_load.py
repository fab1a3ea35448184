"""Not one failed request while services restart, files change and profiles switch; each POST arrives exactly once."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.deadline import wait_until
from tests.e2e.happenings import reload_routes, restart, switch, touch, write_profiles
from tests.e2e.harness import Up
from tests.e2e.load import Load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(
    ("happening", "name"),
    [(restart, "ledger"), (restart, "pair"), (switch, "ledger"), (reload_routes, "ledger"), (touch, "ledger")],
    ids=["restart", "rolling restart", "switch", "reload", "watched file"],
)
def test_nothing_fails(tmp_path: Path, happening: Callable[[Up, str], None], name: str) -> None:
    write_profiles(tmp_path)
    with Up(("--port", "0", "--trust"), tmp_path) as up:
        url = up.ready()
        with Load(url, f"/{name}") as load:
            wait_until(lambda: load.sent > 50, "load")
            happening(up, name)
            before = load.sent
            wait_until(lambda: load.sent > before + 50, "load afterwards")
        assert load.bad == []
        ledger = (tmp_path / f"{name}.txt").read_text().split()
    assert sorted(ledger) == sorted(load.posted)


def test_without_holding_the_same_load_does_fail(tmp_path: Path) -> None:
    write_profiles(tmp_path, hold="0s")
    with Up(("--port", "0", "--trust"), tmp_path) as up:
        url = up.ready()
        with Load(url, "/ledger") as load:
            wait_until(lambda: load.sent > 50, "load")
            restart(up, "ledger")
            time.sleep(0.2)
        assert {bad.status for bad in load.bad} == {503}


def test_at_a_crash_only_what_cannot_be_sent_twice_is_lost_and_says_why(tmp_path: Path) -> None:
    write_profiles(tmp_path, answer_s=0.2)
    with Up(("--port", "0", "--trust"), tmp_path) as up:
        url = up.ready()
        pid = up.service("ledger")["pid"]
        with Load(url, "/ledger") as load:
            wait_until(lambda: load.sent > 50, "load")
            os.kill(pid, signal.SIGKILL)
            killed_at = time.monotonic()
            exited = up.next_event("process_exited", lambda event: event["service"] == "ledger")
            before = load.sent
            wait_until(lambda: load.sent > before + 50, "load afterwards")
        assert exited["pid"] == pid
        ledger = Counter((tmp_path / "ledger.txt").read_text().split())

    # About twenty were in flight, half of them GETs, which are sent again; what came later was held.
    assert load.bad, "nothing was in flight"
    for bad in load.bad:
        assert (bad.method, bad.status) == ("POST", 502), bad
        assert bad.began <= killed_at, bad
        document = json.loads(bad.text)
        assert document["service"] == "ledger", bad
        assert document["code"], bad
    assert set(ledger.values()) == {1}, "no POST arrives twice"
    lost = {bad.name for bad in load.bad}
    assert load.posted - lost <= ledger.keys(), "what was answered 200 has arrived"


def test_one_of_two_replicas_is_killed_and_no_get_fails(tmp_path: Path) -> None:
    write_profiles(tmp_path)
    with Up(("--port", "0", "--trust"), tmp_path) as up:
        url = up.ready()
        with Load(url, "/pair") as load:
            for replica in (0, 1):
                before = load.sent
                wait_until(lambda before=before: load.sent > before + 50, "load")
                os.kill(up.service("pair")["instances"][replica]["pid"], signal.SIGKILL)
                up.next_event("process_exited", lambda event: event["service"] == "pair")
                wait_until(lambda: up.service("pair")["state"] == "ready", "it is back")
            before = load.sent
            wait_until(lambda: load.sent > before + 50, "load afterwards")
        ledger = Counter((tmp_path / "pair.txt").read_text().split())
    assert {bad.method for bad in load.bad} <= {"POST"}
    assert set(ledger.values()) == {1}, "no POST arrives twice"
