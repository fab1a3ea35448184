from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.errors import ProfileError
from devgate.profile.compose import DEEPEST, MOST_NODES, compose
from devgate.profile.nodes import plain_data
from devgate.profile.problems import Problem, faults_of
from devgate.profile.source import SourceFile


def read(text: str) -> object:
    return plain_data(compose(SourceFile(Path("a.yaml"), text)))


def faults(text: str) -> list[Problem]:
    with pytest.raises(ProfileError) as caught:
        compose(SourceFile(Path("a.yaml"), text))
    return list(faults_of(caught.value))


def fault(text: str) -> tuple[str, int, int]:
    (problem,) = faults(text)
    return problem.message, problem.line, problem.column


def test_scalars_stay_as_they_are_written() -> None:
    written = {
        "a": "on",
        "b": "no",
        "c": "22:22",
        "d": "1.10",
        "e": "0755",
        "f": "2024-01-01",
        "g": "1e3",
        "h": ".inf",
        "i": "TRUE",
    }
    assert read("".join(f"{key}: {text}\n" for key, text in written.items())) == written


def test_keys_are_text_too() -> None:
    assert read("on: 1\nyes: 2\n22:22: 3\n1: 4\nnull: 5\n") == {
        "on": "1",
        "yes": "2",
        "22:22": "3",
        "1": "4",
        "null": "5",
    }


def test_nothing_is_none_unless_quoted() -> None:
    text = "a:\nb: ~\nc: null\nd: ''\ne: 'null'\nf: \"~\"\ng: |\n  null\n"
    assert read(text) == {"a": None, "b": None, "c": None, "d": "", "e": "null", "f": "~", "g": "null\n"}


def test_anchors_and_merge_keys() -> None:
    text = (
        "x-base: &base {a: 1, b: 2}\nx-more: &more {b: 3, c: 4}\none: {<<: *base, b: 9}\nboth: {<<: [*base, *more]}\n"
    )
    data = read(text)
    assert isinstance(data, dict)
    assert data["one"] == {"a": "1", "b": "9"}
    assert data["both"] == {"a": "1", "b": "2", "c": "4"}


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object/apply:os.system [id]",
        "a: !!str x",
        "a: ! x",
        "a: !custom {b: 1}",
        "a: !!map {}",
        "!x a: 1",
        "[!x 1]",
    ],
)
def test_tags_are_refused(text: str) -> None:
    assert any("tag" in problem.message or "map" in problem.message for problem in faults(text))
    assert any("is not allowed" in problem.message for problem in faults(text))


def test_every_duplicate_is_told_with_its_first_place() -> None:
    problems = faults("a: 1\nb: {c: 1, c: 2}\na: 3\n")
    assert [(problem.message, problem.line, problem.column) for problem in problems] == [
        ("the key 'c' stands here twice, first in line 2", 2, 11),
        ("the key 'a' stands here twice, first in line 1", 3, 1),
    ]


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("", "the file is empty", 0, 0),
        ("# nothing but words\n", "the file is empty", 0, 0),
        ("---\n", "the file is empty", 2, 1),
        ("null", "the file is empty", 1, 1),
        ("- a\n- b", "a profile is a map", 1, 1),
        ("text", "a profile is a map", 1, 1),
        ("a: 1\n---\nb: 2\n", "a second document begins", 2, 1),
        ("a: 1\n\tb: 2", "a tab cannot indent", 2, 1),
        ("a:\n\tb: 2", "a tab cannot indent", 2, 1),
        ("a: b: c", "no key is expected here", 1, 5),
        ("a:\n  b: 1\n c: 2", "this does not fit here", 3, 2),
        ("a: 1\nb\nc: 2", "a key without its colon", 2, 1),
        ("a: [1, 2\nb: 3", "a list in brackets is not closed", 1, 4),
        ("a: {b: 1\nc: 3", "a map in braces is not closed", 1, 4),
        ("a: 'open\nb: 1\n", "a quote is not closed", 1, 4),
        ('a: "\\q"', "an unknown escape", 1, 5),
        ("a: @b", "this sign cannot begin a value", 1, 4),
        ("a: - b", "a list cannot begin here", 1, 4),
        ("a: *gone", "there is no anchor &gone above", 1, 4),
        ("a: *.example.test", "* begins an alias", 1, 5),
        ("a: &x [*x]", "there is no anchor &x above", 1, 8),
        ("{[a]: 1}", "a key must be text", 1, 2),
        ("<<: 5", "<< merges maps, and this is none", 1, 5),
        ("%YAML 9.9\n---\na: 1", "an unknown version of YAML", 1, 1),
        ("b: 1\na: [\n\n# words", "the file ends too early", 4, 8),
        ("a: {b: [1, 2], c:", "the file ends too early", 1, 18),
        ("a: [1,,2]", "a value is missing, or begins with a sign that means something", 1, 7),
    ],
)
def test_faults_are_told_in_words_and_at_their_place(text: str, message: str, line: int, column: int) -> None:
    assert fault(text) == (message, line, column)


def test_depth_is_limited() -> None:
    assert read("a: " + "[" * (DEEPEST - 1) + "]" * (DEEPEST - 1))
    assert fault("a: " + "[" * 100_000)[0] == f"nested more than {DEEPEST} levels deep"
    assert fault("{a: " * 100_000)[0] == f"nested more than {DEEPEST} levels deep"


@pytest.mark.parametrize("text", ['a: "x\\0"', 'a: ["\\x00"]', '"a\\0": x'])
def test_no_value_holds_a_nul(text: str) -> None:
    assert fault(text)[0] == "a value holds a NUL"


def test_a_bomb_of_aliases_does_not_go_off() -> None:
    levels = "".join(f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 9)}]\n" for level in range(1, 12))
    message, *_ = fault(f"l0: &l0 [x, x]\n{levels}")
    assert message == f"the file has more than {MOST_NODES} values, those behind aliases counted each time"


def test_size_is_limited_without_aliases_too() -> None:
    assert fault("a: [" + "x," * MOST_NODES + "]")[0].startswith("the file has more than")


@given(st.text(alphabet=st.sampled_from("ab:- {}[],&*!|>'\"%@`#?\n\t0."), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        outcome: object = read(text)
    except ProfileError as error:
        outcome = faults_of(error)
    assert isinstance(outcome, dict) or (outcome and all(map(str, outcome)))


def test_the_parser_in_python_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML was built without libyaml."""
    from devgate.profile import compose as module

    text = "a: &x {b: [1, 'two']}\nc: *x\nd: |\n  three\n"
    expected = read(text)
    monkeypatch.setattr(module, "Events", module.PythonEvents)
    assert read(text) == expected
    assert faults("a: 1\na: 2")[0].line == 2
    assert fault("a: [1, 2\nb: 3")[1] == 1
