"""Draws the README's pictures of the screen: `python -m scripts.pictures`.

They show the sample that the screen's tests use, drawn by the screen itself, so they go stale with no release.
"""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

from devgate.tui.bindings import VIEWS
from tests.tui.driving import driven, press
from tests.tui.fake_control import FakeControl, log_lines, request_rows, sample

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
SIZE = (120, 40)
KEYS = {
    "overview": ["j", "j", "j"],
    "traffic": ["2"],
    "health": ["4", *["j"] * 7],
    "profiles": ["5", "j", "j"],
}
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
PICTURES = ("overview", "traffic", "profiles", "health")


async def draw(view: str) -> str:
    lines = [*log_lines(count=60), *log_lines("bot-server", count=14, start=100)]
    async with driven(FakeControl(sample(), lines, request_rows()), SIZE) as (app, pilot):
        await press(pilot, *KEYS.get(view, [str(VIEWS[view])]))
        # Without the web font that Textual names: a picture that is looked at must not ask anybody for anything.
        return _FONT.sub("", app.export_screenshot(title=f"devgate: {view}"))


def main() -> None:
    os.environ["TEXTUAL_ANIMATIONS"] = "none"
    FOLDER.mkdir(parents=True, exist_ok=True)
    for view in PICTURES:
        (FOLDER / f"{view}.svg").write_text(asyncio.run(draw(view)))
        print(f"docs/pictures/{view}.svg")


if __name__ == "__main__":
    main()
