import json
from pathlib import Path

import pytest

from devgate.profile.problems import Problem, as_json, faults_of, in_order, key_path, refusal, render, where

HERE = Path("/project")


def test_a_problem_shows_its_line_and_points() -> None:
    problem = Problem(
        "port must be a port", "/project/devgate.yaml", 3, 11, 5, "x", "write 8080", source="    port: 99999"
    )
    assert render(problem, HERE) == (
        "devgate.yaml:3:11: error: port must be a port\n"
        "  3 |     port: 99999\n"
        "    |           ^^^^^\n"
        "  hint: write 8080"
    )


def test_without_a_line_or_a_file_less_is_said() -> None:
    assert (
        render(Problem("the file is empty", "/elsewhere/a.yaml"), HERE) == "/elsewhere/a.yaml: error: the file is empty"
    )
    assert render(Problem("no profile", hint="make one"), HERE) == "error: no profile\n  hint: make one"
    assert render(Problem("odd", "/project/a", 1, severity="warning"), HERE) == "a:1: warning: odd"


def test_a_long_line_is_cut_around_the_fault() -> None:
    problem = Problem("m", "/p", 7, 301, 3, source="x" * 300 + "bad" + "y" * 300)
    _, line, mark = render(problem, HERE).splitlines()
    assert len(line) <= 110
    assert line[mark.index("^") :][:3] == "bad"


def test_wide_and_hostile_characters_do_not_shift_the_mark() -> None:
    problem = Problem("m", "/p", 1, 7, 3, source="日本: '\x1bbad'")
    _, line, mark = render(problem, HERE).splitlines()
    assert line == r"  1 | 日本: '\x1bbad'"
    assert mark.index("^") == len(r"  1 | 日本: '\x1b") + 2  # each of the two takes two cells


@pytest.mark.parametrize("hostile", ["\x1b]52;c;eA==\x07", "\u202eevil", "a\nb\rc", "\ud800"])
def test_nothing_foreign_reaches_the_terminal(hostile: str) -> None:
    text = render(Problem(hostile, f"/p/{hostile}", 1, 1, 1, hostile, hostile, source=hostile), HERE)
    assert all(line.isprintable() for line in text.splitlines())
    assert len(text.splitlines()) == 4


def test_secrets_on_the_line_are_masked_and_the_mark_stays() -> None:
    source = 'env: {DB_PASSWORD: hunter2, PORT: "x"}'
    problem = Problem("m", "/p", 1, source.index('"x"') + 1, 3, source=source)
    _, line, mark = render(problem, HERE).splitlines()
    assert line.endswith('env: {DB_PASSWORD: ***, PORT: "x"}')
    assert line[mark.index("^") :][:3] == '"x"'


def test_key_paths() -> None:
    assert key_path(("services", "api", "success_exit", 0)) == "services.api.success_exit[0]"
    assert key_path(("routes", 3, "path")) == "routes[3].path"
    assert key_path(()) == ""


def test_the_json_form_is_complete() -> None:
    document = as_json(Problem("m", "/project/a.yaml", 3, 4, 1, "x.y", "h", source="no"), HERE)
    assert json.loads(json.dumps(document)) == {
        "severity": "error", "file": "a.yaml", "line": 3, "column": 4, "path": "x.y", "message": "m", "hint": "h",
    }  # fmt: skip
    assert as_json(Problem("m"), HERE)["file"] is None


def test_problems_come_in_the_order_of_the_file_and_once() -> None:
    late, early, nowhere = Problem("late", "/a", 9), Problem("early", "/a", 2), Problem("nowhere")
    assert in_order([late, early, late, nowhere]) == (nowhere, early, late)


def test_the_error_counts_and_names() -> None:
    error = refusal(
        [Problem("a", "/project/x.yaml"), Problem("b", "/project/x.yaml"), Problem("c", severity="warning")], HERE
    )
    assert error.message == "x.yaml cannot be used: 2 problems"
    assert len(faults_of(error)) == 3
    assert refusal([Problem("a", "/p/x"), Problem("b", "/p/y")], HERE).message == "2 files cannot be used: 2 problems"
    assert refusal([Problem("a")], HERE).message == "the profile cannot be used: 1 problem"


def test_a_bare_error_is_its_own_problem() -> None:
    error = refusal([], HERE)
    assert [problem.message for problem in faults_of(error)] == [error.message]


def test_a_place_is_a_link_for_editors() -> None:
    assert where(Problem("m", "/project/sub/a.yaml", 3, 4), HERE) == "sub/a.yaml:3:4"
