"""What happens to services in a day's work, each of which no request may notice; and the profile that it happens to.

`ledger` is one process, `pair` two; both write each POST that reaches them into `NAME.txt`. Every happening takes the name of the
one that it is about and returns when it is over.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.deadline import wait_until

if TYPE_CHECKING:
    from tests.e2e.harness import Up

LEDGER = Path(__file__).parents[1] / "samples" / "ledger.py"
NAMES = ("ledger", "pair")
MORE = "  - {path: /more, service: other}\n"


def write_profiles(folder: Path, *, hold: str = "30s", boot_s: float = 0.3, answer_s: float = 0.0) -> None:
    """`devgate.yaml`, and `other.yaml` with another environment for both services."""
    for file, value in (("devgate.yaml", "one"), ("other.yaml", "two")):
        services = ""
        for name, replicas in zip(NAMES, (1, 2), strict=True):
            (folder / "watched" / name).mkdir(parents=True, exist_ok=True)
            command = [sys.executable, str(LEDGER), str(folder / f"{name}.txt"), str(boot_s), str(answer_s)]
            services += (
                f"  {name}: {{command: {json.dumps(command)}, port: auto, replicas: {replicas}, env: {{CHANGED: {value}}},"
                f" ready: {{tcp: true, start_interval: 50ms}}, watch: [watched/{name}]}}\n"
            )
        routes = "".join(f"  - {{path: /{name}, service: {name}}}\n" for name in NAMES)
        (folder / file).write_text(
            f"gateway: {{hold: {hold}}}\nsync: {{enabled: false}}\nservices:\n{services}"
            f"  other: {{stub: true, port: auto}}\nroutes:\n{routes}"
        )


def restart(up: Up, name: str) -> None:
    up.cli("restart", name)


def touch(up: Up, name: str) -> None:
    """A watched file changes."""
    before = _pids(up, name)
    (up.cwd / "watched" / name / "file.py").write_text(f"changed {before}")
    _renewed(up, name, before)


def switch(up: Up, name: str) -> None:
    """To the other of the two profiles, which restarts both services at once."""
    before = _pids(up, name)
    up.cli("switch", "other.yaml" if up.status()["profile_source"] == "devgate.yaml" else "devgate.yaml", "--yes")
    _renewed(up, name, before)


def reload_routes(up: Up, name: str) -> None:
    """The running profile's file gets a route more, or loses it again."""
    file = up.cwd / up.status()["profile_source"]
    text = file.read_text()
    there = MORE in text
    file.write_text(text.replace(MORE, "") if there else text + MORE)
    wait_until(lambda: any(row["id"] == "/more" for row in up.status()["routes"]) is not there, "the routes")


def _pids(up: Up, name: str) -> set[int]:
    return _running(up.service(name))


def _running(row: dict[str, Any]) -> set[int]:
    return {instance["pid"] for instance in row["instances"]}


def _renewed(up: Up, name: str, before: set[int]) -> None:
    """Wait until none of the processes of before is left and new ones are ready."""

    def done() -> bool:
        row = up.service(name)
        return row["state"] == "ready" and not before & _running(row)

    wait_until(done, f"{name} is renewed")
