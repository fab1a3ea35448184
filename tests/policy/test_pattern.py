"""What may be searched for, and what could stop the gateway."""

import pytest

from devgate.policy.pattern import LONGEST, compile_bounded, compile_pattern


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("error", "An ERROR here"),
        ("took=\\d+ms", "took=412ms"),
        ("(get|post) /api", "GET /api"),
        ("a{2,9}", "aaa"),
        ("^\\s*at ", "  at x"),
    ],
)
def test_finds(text: str, found: str):
    assert compile_pattern(text).search(found)


def test_a_capital_letter_makes_case_matter():
    assert not compile_pattern("Error").search("error")


def test_in_a_profile_case_always_matters():
    assert not compile_bounded("ready").search("READY")
    assert compile_bounded("ready").search("ready")


@pytest.mark.parametrize(
    "text", ["(", "[a", "*", "\\", "(?P<n>", "a{9}{9}{9}" * 30, "(" * 199, "a{99999999999999999999}"]
)
def test_refuses_what_is_none(text: str):
    with pytest.raises(ValueError, match=r"."):
        compile_pattern(text)


@pytest.mark.parametrize(
    "text", ["(a+)+$", "(a*)*b", "(.*a){20}", "((ab)*c)*d", "(x+x+)+y", r"(a+)\1+", "(?:a|a+)+$", "(a{1,99})*b"]
)
def test_refuses_what_could_match_for_ever(text: str):
    with pytest.raises(ValueError, match="ever"):
        compile_pattern(text)


def test_refuses_what_is_too_long():
    with pytest.raises(ValueError, match="longer"):
        compile_pattern("a" * (LONGEST + 1))
