"""What shows a devgate: a screen that fails is begun anew, and not for ever."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from devgate.cli.faces import SCREENS, ScreenFace


@pytest.mark.parametrize(
    ("outcomes", "shown", "ended"), [([0], 1, False), ([1, 0], 2, False), ([1] * 9, SCREENS, True)]
)
async def test_a_screen_that_fails(monkeypatch: pytest.MonkeyPatch, outcomes: list[int], shown: int, ended: bool):
    notes: list[Any] = []

    async def run_screen(control: object, **options: Any) -> int:
        notes.append(options["notes"])
        return outcomes[len(notes) - 1]

    monkeypatch.setattr("devgate.tui.session.run_screen", run_screen)
    reasons: list[str] = []
    screens: list[bool] = []
    face = ScreenFace(
        SimpleNamespace(end=reasons.append),  # type: ignore[arg-type]
        SimpleNamespace(screen=lambda *, on: screens.append(on)),  # type: ignore[arg-type]
        ["said before"],
    )
    await face.show()
    assert len(notes) == shown
    assert notes[0] == ["said before"]
    assert all("begun anew" in note for later in notes[1:] for note in later)
    assert bool(reasons) is ended
    assert screens == [True, False]
