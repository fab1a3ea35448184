"""Whether anybody notices: 200 requests a second while services restart, roll, reload and switch, for a minute.

    python -m benchmarks.under_load [--seconds 60] [--rate 200]

Open loop, half GETs and half POSTs with an id of their own, half over kept connections and half over new ones. No answer may be
anything but 200 with its own id, each POST stands exactly once in what the service itself has written down, and nobody waits
longer than the longest boot that was measured plus a second. With holding off the same load has to fail, or it proves nothing.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.keeping import keep
from tests.e2e.happenings import NAMES, reload_routes, restart, switch, touch, write_profiles
from tests.e2e.harness import Up
from tests.e2e.load import Load

BOOT_S = 0.3
"""What the sample waits before it listens; a Python's own start comes on top."""
PAUSE_S = 1.0
"""Between two happenings."""
WITHOUT_HOLDING_S = 5.0
HAPPENINGS = (
    ("restart", restart, "ledger"),
    ("watched file", touch, "ledger"),
    ("rolling restart", restart, "pair"),
    ("reload", reload_routes, "ledger"),
    ("switch", switch, "ledger"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=int, default=200)
    options = parser.parse_args()
    held = measure("30s", options.seconds, options.rate)
    unheld = measure("0s", WITHOUT_HOLDING_S, options.rate)
    show(held, "with holding")
    show(unheld, "without")
    reasons = faults(held)
    if not unheld["bad"]:
        reasons.append("without holding nothing failed: this load proves nothing")
    for reason in reasons:
        print(f"FAILED  {reason}")
    keep("under_load", held=held, unheld=unheld, failed=reasons)
    return 1 if reasons else 0


def measure(hold: str, seconds: float, rate: int) -> dict[str, Any]:
    """One devgate under load for so long, with everything happening again and again."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_profiles(folder, hold=hold, boot_s=BOOT_S)
        happened: Counter[str] = Counter()
        with Up(("--port", "0", "--trust"), folder) as up:
            url = up.ready()
            end = time.monotonic() + seconds
            loads = {one: Load(url, f"/{one}", per_second=rate // len(NAMES)) for one in NAMES}
            with loads["ledger"], loads["pair"]:
                began = time.monotonic()
                for what, happen, about in itertools.cycle(HAPPENINGS):
                    time.sleep(PAUSE_S)
                    if time.monotonic() >= end:
                        break
                    happen(up, about)
                    happened[what] += 1
                took = time.monotonic() - began
            up.stop()
            boots = boots_s(up.rest())
        ledgers = {one: Counter((folder / f"{one}.txt").read_text().split()) for one in NAMES}
    bad = [failure for load in loads.values() for failure in load.bad]
    failed = {name: {failure.name for failure in load.bad} for name, load in loads.items()}
    return {
        "seconds": took,
        "sent": sum(load.sent for load in loads.values()),
        "posted": sum(len(load.posted) for load in loads.values()),
        "happened": dict(happened),
        "bad": len(bad),
        "examples": [f"{one.method} {one.name}: {one.status} {one.text[:200]}" for one in bad[:5]],
        "twice": sum(count > 1 for ledger in ledgers.values() for count in ledger.values()),
        "lost": sum(len(loads[name].posted - failed[name] - ledgers[name].keys()) for name in NAMES),
        "longest_wait_s": max(load.longest_s for load in loads.values()),
        "longest_boot_s": max(boots),
        "boots": len(boots),
    }


def boots_s(events: list[dict[str, Any]]) -> list[float]:
    """How long each start of a process took, from its spawn to being ready."""
    started: dict[tuple[str, int], float] = {}
    found = []
    for event in events:
        if event["event"] != "service_changed" or event["service"] not in NAMES:
            continue
        who = event["service"], event["replica"]
        if event["new"] == "starting":
            started[who] = event["at"]
        elif event["new"] == "ready" and who in started:
            found.append(event["at"] - started.pop(who))
    return found


def faults(run: dict[str, Any]) -> list[str]:
    """What was promised and not kept."""
    found = []
    if run["bad"]:
        found.append(f"{run['bad']} of {run['sent']} requests were not answered 200: {run['examples']}")
    if run["twice"] or run["lost"]:
        found.append(f"POSTs that arrived twice: {run['twice']}, answered and never arrived: {run['lost']}")
    if run["longest_wait_s"] > run["longest_boot_s"] + 1:
        found.append(f"somebody waited {run['longest_wait_s']:.2f} s, a boot takes {run['longest_boot_s']:.2f} s")
    missing = {name for name, _, _ in HAPPENINGS} - run["happened"].keys()
    if missing:
        found.append(f"did not happen: {', '.join(sorted(missing))}")
    return found


def show(run: dict[str, Any], title: str) -> None:
    happened = ", ".join(f"{count} x {name}" for name, count in run["happened"].items())
    print(f"{title}: {run['sent']} requests in {run['seconds']:.0f} s; {happened}")
    print(
        f"  failed {run['bad']}   POSTs {run['posted']}, twice {run['twice']}, lost {run['lost']}   "
        f"longest wait {run['longest_wait_s']:.2f} s, longest of {run['boots']} boots {run['longest_boot_s']:.2f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
