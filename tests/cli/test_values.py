"""What options take."""

from __future__ import annotations

import click
import pytest

from devgate.cli.values import DURATION, WaitCommand


@pytest.mark.parametrize(
    ("words", "profile", "wait_s"),
    [
        (["demo"], "demo", None),
        (["--wait", "demo"], "demo", 60.0),
        (["demo", "--wait"], "demo", 60.0),
        (["--wait"], None, 60.0),
        (["--wait=2m", "demo"], "demo", 120.0),
        (["--wait", "5s", "demo"], "demo", 5.0),
        (["--wait", "5"], None, 5.0),
        (["--wait", "1m30s", "demo"], "demo", 90.0),
        (["--wait", "1" * 60 + "x"], "1" * 60 + "x", 60.0),
        (["--wait", "-d", "demo"], "demo", 60.0),
        (["--wait", "--", "5s"], "5s", 60.0),
        (["--", "--wait"], "--wait", None),
    ],
)
def test_wait_takes_a_duration_or_nothing(words: list[str], profile: str | None, wait_s: float | None) -> None:
    found: list[tuple[str | None, float | None]] = []

    @click.command(cls=WaitCommand)
    @click.argument("profile", required=False)
    @click.option("--wait", type=DURATION)
    @click.option("-d", is_flag=True)
    def command(profile: str | None, wait: float | None, d: bool) -> None:
        found.append((profile, wait))

    command.main(words, standalone_mode=False)
    assert found == [(profile, wait_s)]


@pytest.mark.parametrize("words", [["--wait=demo"], ["--wait="], ["--wait=-5s"], ["--wait", "5s", "6s"]])
def test_what_is_no_duration_is_refused(words: list[str]) -> None:
    command = WaitCommand("up", params=[click.Option(["--wait"], type=DURATION)])
    with pytest.raises(click.UsageError):
        command.main(words, standalone_mode=False)
