"""Draws the README's pictures of the screen: `python -m scripts.pictures`.

They show the sample that the screen's tests use, drawn by the screen itself, so they go stale with no release.
"""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import replace
from pathlib import Path

from devgate.model.detail import Body, Decision, Field
from devgate.model.query import LogLine
from tests.inspection.sample import DETAIL
from tests.tui.driving import driven, press, shows, steady
from tests.tui.fake_control import FakeControl, log_lines, request_rows, rows_under_way, sample

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
SIZE = (120, 40)
KEYS = {
    "overview": ["j", "j", "j"],
    "traffic": ["2", *["j"] * 3],
    "request": ["2", *["j"] * 7, "enter"],
    "health": ["4", "j", "j", "j"],
    "profiles": ["5", "j", "j"],
}
SEEN = {"traffic": "7 under way", "request": "meanwhile", "health": "because of:"}
"""What has to be there before the picture is taken: it comes a few turns later."""
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_SERVICE = "fechatter-server"


def control() -> FakeControl:
    """The sample, in which one request was held through a restart."""
    lines = [*log_lines(count=60), *log_lines("bot-server", count=14, start=100)]
    shown = FakeControl(sample(), lines, request_rows(), rows_under_way())
    number = next(row.seq for row in reversed(shown.requests_) if row.path.endswith("/messages"))
    row = replace(
        shown.requests_[number - 1], duration_ms=412.0, held_ms=380.0, request_id="0d8f3c1a-5e0b-4f7e-9c58-00000000003a"
    )
    shown.requests_[number - 1] = row
    shown.details[number] = replace(
        DETAIL,
        row=row,
        request_body=Body(58, "application/json", text='{"text": "see you at nine", "reply_to": 41, "mentions": ["ada"]}'),
        sent_line=f"POST {row.path} HTTP/1.1",
        response=(Field("Content-Type", "application/json"), Field("Location", "/api/chat/7/messages/42")),
        response_body=Body(214, "application/json", text='{"id": 42, "chat": 7, "text": "see you at nine", "delivered": true}'),
        phases=tuple(
            replace(phase, at_ms=at, took_ms=took)
            for phase, at, took in zip(DETAIL.phases, (0.0, 380.0, 381.0, 408.0), (380.0, 1.0, 27.0, 4.0), strict=True)
        ),
        decisions=(
            Decision("cors", "http://localhost:1420 is allowed"),
            Decision("route", f"{row.route} leads to {row.service}"),
            Decision("lifecycle", f"held for 380 ms until {row.service} came back", "warn"),
            Decision("attempt", f"sent to {row.service} #0"),
            Decision("answer", f"201 from {row.service}"),
        ),
    )  # fmt: skip
    said = (
        "restarted by hand",
        " INFO listening on 127.0.0.1:6688",
        " INFO chat::handlers: message stored chat=7 id=42",
    )
    shown.lines += [
        LogLine(1000 + index, row.at + 0.1 * index, _SERVICE, 0, "out", text, 2) for index, text in enumerate(said)
    ]
    return shown


async def draw(view: str) -> str:
    async with driven(control(), SIZE) as (app, pilot):
        for key in KEYS[view]:
            await press(pilot, key)
            if key == "2":
                await shows(pilot, SEEN["traffic"])
        if view in SEEN:
            await shows(pilot, SEEN[view])
        await steady(pilot)
        # Without the web font that Textual names: a picture that is looked at must not ask anybody for anything.
        return _FONT.sub("", app.export_screenshot(title=f"devgate: {view}"))


def main() -> None:
    os.environ["TEXTUAL_ANIMATIONS"] = "none"
    FOLDER.mkdir(parents=True, exist_ok=True)
    for view in KEYS:
        (FOLDER / f"{view}.svg").write_text(asyncio.run(draw(view)))
        print(f"docs/pictures/{view}.svg")


if __name__ == "__main__":
    main()
