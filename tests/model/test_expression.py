"""Regular expressions for paths: the same answers as Python's `re`, without its worst case, and a word for everything refused."""

import re
from collections.abc import Callable
from functools import cache
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.model.expression import PathExpression
from devgate.model.grammar import DEPTH_LIMIT, POSITIONS_LIMIT, BadExpression


@pytest.mark.parametrize(
    ("expression", "fitting", "missing"),
    [
        ("~/api/v[0-9]+", ["/api/v1", "/api/v20"], ["/api/v", "/api/v1/x", "/x/api/v1", "/api/va"]),
        ("~/api/v[0-9]+/.*", ["/api/v1", "/api/v1/x/y"], ["/api/v1x", "/api/v"]),
        ("~/.*", ["", "/a", "/a/b", "/a\nb", "/ü"], []),
        ("~/(users|groups)/[^/]+", ["/users/7", "/groups/a.b"], ["/users", "/users/7/8", "/others/7"]),
        ("~/(?:users|groups)", ["/users"], ["/user"]),
        (r"~/\d{4}-\d{2}", ["/2026-11"], ["/2026-1", "/202611", "/\N{ARABIC-INDIC DIGIT ONE}026-11"]),
        (r"~/[\w.-]{2,3}", ["/a.", "/a-b"], ["/a", "/a-bc", "/a,"]),
        ("~/a{,2}", ["", "/a", "/aa"], ["/aaa"]),
        ("~/a{2,}", ["/aa", "/aaaa"], ["/a"]),
        (r"~/\.well-known/.+", ["/.well-known/x"], ["/.well-known", "/xwell-known/x"]),
        ("~/[^a-c]", ["/d", "/-", "/\N{PILE OF POO}"], ["/a", "/b", "/c"]),
        (r"~/[\W\d]", ["/-", "/1"], ["/a"]),
        (r"~/\S", ["/a"], ["/\t"]),
        ("~/ü+", ["/ü", "/üü"], ["/u"]),
        ("~^/a$", ["/a"], ["/ab"]),
        ("~(/a|/b/c)+", ["/a", "/b/c", "/a/b/c/a"], ["/b", ""]),
        ("~/a/", ["/a"], ["/a/b"]),
    ],
)
def test_what_fits(expression: str, fitting: list[str], missing: list[str]) -> None:
    subject = PathExpression(expression)
    assert [path for path in fitting if not subject.fits(path)] == []
    assert [path for path in missing if subject.fits(path)] == []
    oracle = re.compile(expression[1:], re.DOTALL | re.ASCII)
    assert all(oracle.fullmatch(path) or oracle.fullmatch(path + "/") for path in fitting)
    assert not any(oracle.fullmatch(path) for path in missing)


@pytest.mark.parametrize(
    ("expression", "literal"),
    [
        ("~/api/v1", ("api", "v1")),
        ("~/api/v[0-9]", ("api",)),
        ("~/api(/.*)?", ("api",)),
        ("~/api.*", ()),
        ("~/api/?", ("api",)),
        ("~/(a|b)/c", ()),
        ("~/a/(b|c)/d", ("a",)),
        ("~/a+", ()),
        (r"~/\.a/b/.+", (".a", "b")),
        ("~/a/b%2Fc/d", ("a",)),
        ("~/.*", ()),
    ],
)
def test_the_segments_that_all_paths_begin_with(expression: str, literal: tuple[str, ...]) -> None:
    assert PathExpression(expression).literal == literal


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("~", "something must stand here (character 2)"),
        ("~/a|", "something must stand here (character 5)"),
        ("~/()", "something must stand here (character 4)"),
        ("~api/.*", "no path fits: all begin with /, so write ~/..."),
        ("~/(a", "this ( is not closed (character 3)"),
        ("~/a)", "this ) closes nothing (character 4)"),
        ("~/[a", "this [ is not closed (character 3)"),
        ("~/[]", "a class has at least one character; write \\] for a bracket (character 5)"),
        ("~/[[a]", "write \\[ for a bracket (character 4)"),
        ("~/a]", "write \\] for a bracket (character 4)"),
        ("~/[z-a]", "a range goes from the smaller character to the larger one (character 7)"),
        (r"~/[\d-z]", "a range goes from one character to another (character 8)"),
        ("~+", "there is nothing that + could repeat (character 2)"),
        (r"~/[^\d\D]", "no character is in this class (character 10)"),
        ("~/a**", "a repetition is repeated; lazy and possessive ones fit the same paths (character 5)"),
        ("~/a+?", "a repetition is repeated"),
        ("~/chat/{id}", "a repetition is written {2}, {2,} or {2,4}; write \\{ for a brace, and [^/]+ for any segment"),
        ("~/a}", "write \\} for a brace"),
        ("~/a{,}", "a repetition is written"),
        ("~/a{3,2}", "{3,2} makes no sense"),
        ("~/a{0}", "{0} makes no sense"),
        ("~/a{257}", "more than 256 repetitions"),
        ("~/a{99999}", "a repetition is written"),
        ("~/a^b", "^ is not needed: the whole path has to fit (character 4)"),
        ("~/a$b", "$ is not needed: the whole path has to fit (character 4)"),
        (r"~/\bx", "\\b is not understood; there are \\d, \\w, \\s, \\D, \\W and \\S (character 3)"),
        (r"~/(a)\1", "\\1 is not understood"),
        ("~/a\\", "\\ is not understood"),
        ("~/(?=a)", "of groups with ? only (?:...) is understood (character 3)"),
        ("~/(?i)a", "of groups with ? only (?:...) is understood"),
        ("~/(a{100}){100}", f"it has more than {POSITIONS_LIMIT} places, repetitions written out"),
        ("~/" + "(" * (DEPTH_LIMIT + 1) + "a", "there are too many groups in groups"),
        ("~/" + "(" * 100_000, "there are too many groups in groups"),
        ("~/" + "a" * (POSITIONS_LIMIT + 1), "places"),
    ],
)
def test_what_is_refused(expression: str, why: str) -> None:
    with pytest.raises(BadExpression) as told:
        PathExpression(expression)
    assert why in str(told.value)


@pytest.mark.parametrize(
    "expression", ["~/(a|a)*b", "~/(a*)*b", "~/.*.*.*.*.*=", "~/(.?){100}b", "~/(a|aa)+$", "~/(a|b)*a(a|b){100}x"]
)
def test_the_worst_takes_no_longer_than_it_is_long(expression: str) -> None:
    """With `re` each of these runs for minutes or centuries, which the suite would not survive."""
    subject = PathExpression(expression)
    assert not subject.fits("/" + "a" * 8000 + "c")
    assert not subject.fits("/" + "ab" * 4000 + "c")


Oracle = tuple[str, Callable[[str, int], set[int]]]
"""An expression, and where a match of it can end in a text from a place on: its meaning said once more, in the plainest way.
Characters are `re`'s to judge; all of an expression is not, since the machine that runs this is to have done by tonight."""


def one(atom: str) -> Oracle:
    fits = re.compile(atom, re.DOTALL | re.ASCII).fullmatch
    return atom, lambda text, at: {at + 1} if at < len(text) and fits(text[at]) else set()


def chain(parts: list[Oracle]) -> Oracle:
    @cache
    def ends(text: str, at: int) -> set[int]:
        found = {at}
        for _, part in parts:
            found = {end for begin in found for end in part(text, begin)}
        return found

    return "".join(part[0] for part in parts), ends


def choice(parts: list[Oracle]) -> Oracle:
    written = "|".join(part[0] for part in parts)
    return f"({written})", lambda text, at: {end for _, part in parts for end in part(text, at)}


def repeated(part: Oracle, sign: str) -> Oracle:
    least, most = REPEATS[sign]

    @cache
    def ends(text: str, at: int) -> set[int]:
        found, level = set(), {at}
        for count in range((most or len(text) + least) + 1):
            found |= level if count >= least else set()
            level = {end for begin in level for end in part[1](text, begin)}
        return found

    return part[0] + sign, ends


REPEATS: dict[str, tuple[int, int | None]] = {
    "": (1, 1), "*": (0, None), "+": (1, None), "?": (0, 1), "{2}": (2, 2), "{1,2}": (1, 2), "{2,}": (2, None), "{,2}": (0, 2),
}  # fmt: skip
ATOMS = st.sampled_from(["a", "b", "/", ".", "[ab]", "[^a]", r"\d", r"\W", "[a-z0-9]", r"[\w.-]", "[a-]", r"\.", "ü"])
SIGNS = st.sampled_from(sorted(REPEATS))


def wrapped(inner: st.SearchStrategy[Oracle]) -> st.SearchStrategy[Oracle]:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.builds(repeated, several.map(choice), SIGNS) | several.map(chain)


EXPRESSIONS = st.recursive(st.builds(repeated, ATOMS.map(one), SIGNS), wrapped, max_leaves=8)


@given(EXPRESSIONS, st.lists(st.text("ab/1.üz\n", max_size=8), min_size=1, max_size=8))
def test_it_means_what_it_says(oracle: Oracle, paths: list[str]) -> None:
    expression, ends = oracle
    subject = PathExpression(f"~/{expression}")
    for path in paths:
        wanted = any(len(text) in ends(text, 0) for text in (path, path + "/"))
        assert subject.fits("/" + path) is wanted
        begins = "".join(f"/{name}" for name in subject.literal)
        assert not wanted or f"/{path}/".startswith(begins + "/")


def test_examples_come_short_ones_first() -> None:
    assert next(PathExpression("~/(a|b){20}x").examples()) == "/" + "a" * 20 + "x"
    assert list(islice(PathExpression("~/v[0-9]+(/.*)?").examples(), 3)) == ["/v9", "/v99", "/v9/"]


@given(EXPRESSIONS)
def test_its_examples_fit(oracle: Oracle) -> None:
    expression, ends = oracle
    examples = [example.removeprefix("/") for example in islice(PathExpression(f"~/{expression}").examples(), 5)]
    assert examples
    assert all(len(example) in ends(example, 0) for example in examples)


@given(st.text("~/ab()[]{}|*+?.\\^$-,12dDwWü%", max_size=30))
def test_any_text_is_understood_or_refused(text: str) -> None:
    try:
        subject = PathExpression("~" + text)
    except BadExpression:
        return
    assert subject.fits("/a") in (True, False)
    assert list(subject.examples())
