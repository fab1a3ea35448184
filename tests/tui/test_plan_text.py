"""A plan, readable before it is applied."""

from dataclasses import replace

from devgate.errors import CommandError, DevgateError, ProfileError
from devgate.escape import cells
from devgate.model.plan import Reason
from devgate.profile.problems import Problem
from devgate.tui import plan_text
from tests.tui.fake_control import PLAN


def text(lines) -> str:
    return "\n".join("".join(part for part, _ in line) for line in lines)


def test_what_is_too_wide_is_folded_between_words_and_nothing_is_lost():
    line = (
        ("restart  ", "heading"),
        ("◐ fechatter-server", "warn"),
        ("  env.RUST_LOG, replicas, command, port", "muted"),
    )
    pieces = plan_text.folded(line, 40)
    texts = ["".join(text for text, _ in piece) for piece in pieces]
    assert [text.rstrip() for text in texts] == [
        "restart  ◐ fechatter-server",
        "           env.RUST_LOG, replicas,",
        "           command, port",
    ]
    assert "".join(texts).split() == "".join(text for text, _ in line).split()
    assert plan_text.folded((), 40) == [()]


def test_says_what_happens_to_every_service_and_why():
    said = text(
        plan_text.lines(
            replace(
                PLAN,
                stale=(Reason("bot", ("env.TOKEN",)),),
                rebind=("8080 -> 9090",),
                rest=(Reason("search", ("port",)),),
                noted=("description",),
            )
        )
    )
    for words in (
        "stop     ○ bot-server",
        "fechatter-server  env.RUST_LOG, replicas",
        "● redis",
        "bot  env.TOKEN",
        "stopped  ○ search  port",
        "noted    description",
        "postgres",
        "+ /metrics",
        "- /api/bot/*",
        "cors",
        "8080 -> 9090",
        PLAN.summary,
    ):
        assert words in said or words == PLAN.summary


def test_nothing_to_do():
    assert "nothing to do" in text(plan_text.lines(replace(PLAN, new=PLAN.old)))


def test_a_refusal_shows_every_problem_and_what_to_do():
    error = ProfileError("2 problems", ["a.yaml:3:5: no\n  3 | x", "a.yaml:9:1: [neither]"], hint="mend it")
    said = text(plan_text.refusal(error))
    for words in ("2 problems", "a.yaml:3:5: no", "  3 | x", "[neither]", "mend it"):
        assert words in said
    assert text(plan_text.refusal(DevgateError("gone"))) == "gone"


def test_the_place_of_the_first_problem_that_has_one():

    here = Problem("unknown key", file="/p/devgate.yaml", line=12, column=7)
    assert plan_text.place(ProfileError("x", [Problem("no place"), here])) == ("/p/devgate.yaml", 12, 7)
    sent = ["error: no place", "profiles/ha.yaml:31:3: error: a cycle\n  31 | x: 1:2: y"]
    assert plan_text.place(ProfileError("x", sent)) == ("profiles/ha.yaml", 31, 3)
    assert plan_text.place(ProfileError("x", ["devgate.yaml:4: error: x"])) == ("devgate.yaml", 4, 1)
    assert plan_text.place(CommandError("no")) == ("", 0, 1)


def test_new_commands_come_first_and_whole_however_long_and_wide():
    plan = replace(PLAN, unapproved=("z runs " + "漢" * 100 + " && rm\x1b[2J -rf x",))
    said = text(plan_text.lines(plan)).splitlines()
    assert said.index("It would do what nobody has agreed to yet:") < said.index(
        next(s for s in said if "bot-server" in s)
    )
    rows = text(plan_text.unapproved(plan, 40)).splitlines()
    assert all(cells(row) <= 44 for row in rows[1:])
    assert "".join(row.strip() for row in rows[1:]).count("漢") == 100
    assert "rm\\x1b[2J -rf x" in rows[-1] + rows[-2]
