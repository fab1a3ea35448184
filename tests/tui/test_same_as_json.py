"""What stands on the screen is what the JSON says: every visible cell of every table, read back and compared.

The cells are read from the drawn screen, and the JSON is what `status --json`, `hits --json`, `requests --json` and `logs --json`
print of the same moment. A number is compared within what its column can show of it. A column without a reader here fails.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from devgate.model import wire
from devgate.tui import format as fmt
from devgate.tui import health_rows, requests, route_rows, rows
from devgate.tui.columns import MARGIN
from devgate.tui.widgets.live_table import LiveTable
from tests.tui.driving import driven, press, screen_of, shows, steady
from tests.tui.fake_control import FakeControl, log_lines, request_rows, sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.tui.app import DevgateApp

SIZE = (250, 60)
"""Wide enough for every column."""
NONE = fmt.NONE
Cell = tuple[str, dict[str, Any]]


def control() -> FakeControl:
    return FakeControl(sample(), log_lines(count=30), request_rows(20))


def drawn(app: DevgateApp, id: str) -> list[dict[str, str]]:
    """The visible rows of a table, each cell by its column, as they stand on the screen."""
    table = app.screen.query_one(f"#{id}", LiveTable)
    region, placed = table.region, table._placed
    lines = [line[region.x : region.right] for line in screen_of(app)[region.y : region.bottom]]
    found = []
    for line in lines[1 : len(table.rows) + 1]:
        at, cells = MARGIN, {}
        for column, width in placed.columns:
            cells[column.key] = line[at : at + width].strip()
            at += width + placed.gap
        found.append(cells)
    return found


_UNITS = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "": 1.0}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def is_count(text: str, value: float) -> bool:
    if text == "<0.1":
        return 0 < value < 0.1
    number, unit = re.fullmatch(r"([\d.]+)([kMGT]?)", text).groups()
    step = _UNITS[unit] * (0.1 if "." in number else 1)
    return abs(float(number) * _UNITS[unit] - value) <= step / 2 + 1e-9


def is_share(text: str, share: float) -> bool:
    percent = float(text.rstrip("%"))
    return abs(percent - share * 100) <= (0.05 if "." in text else 0.5) + 1e-9


def is_ms(text: str, value: float | None) -> bool:
    if value is None or text == NONE:
        return value is None and text == NONE
    number, unit = re.fullmatch(r"([\d.]+)(ms|s|m)", text).groups()
    scale = {"ms": 1, "s": 1000, "m": 60_000}[unit]
    return abs(float(number) * scale - value) <= scale * (0.05 if "." in number else 0.5) + 1e-9


def is_span(text: str, seconds: float) -> bool:
    """Cut, not rounded."""
    if not seconds:
        return text == NONE
    parts = re.findall(r"(\d+)([smhd])", text)
    shown = sum(int(number) * _SECONDS[unit] for number, unit in parts)
    return shown <= seconds < shown + _SECONDS[parts[-1][1]]


def is_size(text: str, value: int | None) -> bool:
    if value is None or text == NONE:
        return value is None and text == NONE
    number, unit = re.fullmatch(r"([\d.]+)([BKMGT])", text).groups()
    scale = 1024 ** "BKMGT".index(unit)
    return abs(float(number) * scale - value) <= scale * (0.05 if "." in number else 0.5)


def is_clock(text: str, at: float | None) -> bool:
    return text == (NONE if at is None else datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S"))


def is_spark(text: str, values: list[int]) -> bool:
    """A bar for each few spans with anything in them, the newest at the right, the highest where most happened."""
    share = max(-(-len(values) // 10), 1)
    sums = [sum(values[max(end - share, 0) : end]) for end in range(len(values), 0, -share)][::-1]
    bars = text.rjust(len(sums))
    return [bar != " " for bar in bars] == [total > 0 for total in sums] and (
        not any(sums) or bars[sums.index(max(sums))] == "█"
    )


def is_text(text: str, wanted: str) -> bool:
    """The same, or cut with an ellipsis."""
    return text == wanted or (text.endswith("…") and wanted.startswith(text[:-1].rstrip()))


def is_breaker(text: str, breaker: dict[str, Any]) -> bool:
    if breaker["forced"]:
        return (
            text
            == {"open": "refuses", "closed": "passes", "metrics_only": "watches", "disabled": "off"}[breaker["forced"]]
        )
    word, _, number = text.partition(" ")
    state = {"closed": "CLOSED", "OPEN": "OPEN", "half-open": "HALF_OPEN"}[word]
    counted = breaker["failures"] if state == "CLOSED" else 0
    return state == breaker["state"] and (
        is_span(number, breaker["retry_in_s"]) if state == "OPEN" else number == (str(counted) if counted else "")
    )


def is_sync(text: str, sync: dict[str, Any]) -> bool:
    word, _, age = text.rpartition(" ") if text[-1] in "smhd" and text[-2].isdigit() else (text, "", "")
    return word.replace(" ", "_") == sync["state"] and (not age or is_span(age, sync["since_s"]))


def is_state(text: str, row: dict[str, Any]) -> bool:
    sign, word = text.split(" ")
    if row["state"] != "ready":
        return word == row["state"] and sign in "◐✖○"
    return word in {row["health"] if sign == "▲" else "", "external" if row["owner"] == "external" else "", "ready"}


def errors(text: str, traffic: dict[str, Any]) -> bool:
    if not traffic["per_minute"] and not traffic["error_ratio"]:
        return text == NONE
    return is_share(text, traffic["error_ratio"])


def is_why(text: str, row: dict[str, Any]) -> bool:
    """Each part of it is some field's text."""
    facts = [row["cause"], row["health_detail"], row["last_error"], row["breaker"]["last_cause"], row["sync"]["detail"]]
    facts += [f"waiting for {', '.join(row['waiting_for'])}", f"restart to apply {', '.join(row['stale'])}"]
    return all(any(is_text(part, fact) for fact in facts) for part in text.split(" · ") if part)


Readers = dict[str, "Callable[[str, dict[str, Any]], bool]"]

SERVICES: Readers = {
    "state": is_state,
    "name": lambda text, row: text.split(" ")[0] == row["name"],
    "port": lambda text, row: text == str(row["port"] or NONE),
    "rate": lambda text, row: is_count(text, row["traffic"]["per_minute"]),
    "errors": lambda text, row: errors(text, row["traffic"]),
    "p95": lambda text, row: is_ms(text, row["traffic"]["p95_ms"]),
    "breaker": lambda text, row: is_breaker(text, row["breaker"]),
    "sync": lambda text, row: is_sync(text, row["sync"]),
    "uptime": lambda text, row: is_span(text, row["uptime_s"]),
    "restarts": lambda text, row: text == str(row["restarts"]),
    "cpu": lambda text, row: text == NONE if row["pid"] is None else is_share(text, row["cpu_percent"] / 100),
    "memory": lambda text, row: is_size(text, row["memory_bytes"]),
    "trend": lambda text, row: is_spark(text, row["traffic"]["spark"]),
    "why": is_why,
}
ROUTES: Readers = {
    "mark": lambda text, row: text in "●▲✖◇◐○",
    "route": lambda text, row: text.split(" ")[0] == row["path"] and all(one in text for one in row["methods"]),
    "hits": lambda text, row: is_count(text, row["traffic"]["total"]),
    "trend": lambda text, row: is_spark(text, row["traffic"]["spark"]),
    "rate": lambda text, row: is_count(text, row["traffic"]["per_minute"]),
    "errors": lambda text, row: errors(text, row["traffic"]),
    "p50": lambda text, row: is_ms(text, row["traffic"]["p50_ms"]),
    "p95": lambda text, row: is_ms(text, row["traffic"]["p95_ms"]),
    "last": lambda text, row: text == str(row["traffic"]["last_status"] or NONE),
}
HEALTH: Readers = {
    "state": is_state,
    "name": lambda text, row: text == row["name"] + ("" if row["required"] else " optional"),
    "health": lambda text, row: text == row["health"],
    "probe": lambda text, row: is_ms(text, row["response_ms"]),
    "checked": lambda text, row: is_clock(text, row["checked_at"]),
    "breaker": lambda text, row: is_breaker(text, row["breaker"]),
    "opened": lambda text, row: text == f"{row['breaker']['opened']}x",
    "sync": lambda text, row: is_sync(text, row["sync"]),
    "version": lambda text, row: text == (row["sync"]["actual"] or NONE),
    "detail": lambda text, row: is_why(text.replace("breaker: ", ""), row),
}
REQUESTS: Readers = {
    "at": lambda text, row: is_clock(text, row["at"]),
    "method": lambda text, row: text == row["method"],
    "status": lambda text, row: text == str(row["status"] or NONE),
    "took": lambda text, row: is_ms(text, row["duration_ms"]),
    "path": lambda text, row: text.split(" ")[0] == row["path"],
    "service": lambda text, row: text == (row["service"] or NONE),
    "size": lambda text, row: is_size(text, row["response_bytes"]),
    "held": lambda text, row: is_ms(text, row["held_ms"]) if row["held_ms"] else text == "",
    "error": lambda text, row: is_text(text, row["error"]),
}


def assert_same(shown: list[dict[str, str]], told: list[dict[str, Any]], readers: Readers, columns: Any) -> None:
    assert len(shown) == len(told)
    assert shown[0].keys() == readers.keys() == {column.key for column in columns}, "a column that nobody compares"
    wrong = [
        f"{row.get('name') or row.get('id') or row.get('seq')}.{key}: the screen says {cells[key]!r}"
        for cells, row in zip(shown, told, strict=True)
        for key, reads in readers.items()
        if not reads(cells[key], row)
    ]
    assert not wrong, "\n".join(wrong)


def as_json(value: object) -> Any:
    return json.loads(wire.encode(value))


async def test_the_overview_is_status_and_hits():
    shown = control()
    status = as_json(shown.now)
    async with driven(shown, SIZE) as (app, pilot):
        await steady(pilot)
        assert_same(drawn(app, "services"), status["services"], SERVICES, rows.SERVICES)
        hits = as_json({"total": shown.now.traffic, "routes": shown.now.routes})["routes"]
        assert_same(drawn(app, "routes"), hits, ROUTES, route_rows.COLUMNS)
        head = screen_of(app)[0]
        for text in (status["profile"], f"{status['ready']}/{status['total']} ready", "127.0.0.1:8080"):
            assert text in head
        assert is_count(re.search(r"(\S+) req/min", head)[1], status["traffic"]["per_minute"])
        assert is_share(re.search(r"(\S+) errors", head)[1], status["traffic"]["error_ratio"])
        assert is_clock(re.search(r"loaded (\S+)", head)[1], status["reloaded_at"])
        at, _, said = screen_of(app)[-2].strip().partition(" ✖ ")
        assert is_clock(at, status["events"][-1]["at"])
        assert said == status["events"][-1]["text"]


async def test_the_health_view_is_status():
    shown = control()
    status = as_json(shown.now)
    async with driven(shown, SIZE) as (app, pilot):
        await press(pilot, "4")
        await steady(pilot)
        assert_same(drawn(app, "services"), status["services"], HEALTH, health_rows.COLUMNS)
        text = "\n".join(screen_of(app))
        first = status["services"][0]
        assert first["probe"] in text
        assert datetime.fromtimestamp(first["probes"][-1]["at"], UTC).strftime("%H:%M:%S") in text
        events = [cells["event"] for cells in drawn(app, "events")]
        assert len(events) == len(status["events"])
        for said, event in zip(events, reversed(status["events"]), strict=True):
            assert is_clock(said[:8], event["at"])
            assert is_text(said[11:], event["text"])
        await press(pilot, "j", "j", "j")
        await shows(pilot, "because of:")
        text = "\n".join(screen_of(app))
        for cause in status["services"][3]["breaker"]["causes"]:
            assert f"{datetime.fromtimestamp(cause['at'], UTC):%H:%M:%S} {cause['what']}" in text
            assert cause["request_id"] in text


async def test_the_traffic_view_is_requests():
    shown = control()
    async with driven(shown, SIZE) as (app, pilot):
        await press(pilot, "2")
        await steady(pilot)
        told = [as_json(row) for row in reversed(shown.requests_)]
        assert_same(drawn(app, "requests"), told, REQUESTS, requests.COLUMNS)


async def test_a_log_is_logs():
    shown = control()
    async with driven(shown, SIZE) as (app, pilot):
        await press(pilot, "3")
        await steady(pilot)
        told = [as_json(line) for line in shown.lines]
        lines = [line.strip() for line in screen_of(app)[2 : len(told) + 2]]
        for line, says in zip(lines, told, strict=True):
            text = re.sub(r"\x1b\[[\d;]*m", "", says["text"])
            if says["stream"] == "mark":
                assert line == f"── {text} ──"
            else:
                assert is_clock(line[:8], says["at"])
                assert line[9:] == text
