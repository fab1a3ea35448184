"""Regular expressions for paths: linear in time, with a word for everything refused."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.model.expression import BadExpression, PathExpression


@pytest.mark.parametrize(
    ("expression", "fitting", "missing"),
    [
        ("~/api/v[0-9]+", ["/api/v1", "/api/v20"], ["/api/v", "/api/v1/x", "/x/api/v1", "/api/va"]),
        ("~/api/v[0-9]+/.*", ["/api/v1", "/api/v1/x/y"], ["/api/v1x", "/api/v"]),
        ("~/.*", ["", "/a", "/a/b", "/a\nb", "/ü", "/\N{REPLACEMENT CHARACTER}"], []),
        ("~/(users|groups)/[^/]+", ["/users/7", "/groups/a.b"], ["/users", "/users/7/8", "/others/7"]),
        (r"~/\d{4}-\d{2}", ["/2026-11"], ["/2026-1", "/202611", "/\N{ARABIC-INDIC DIGIT ONE}026-11"]),
        ("~/a{2,}", ["/aa", "/aaaa"], ["/a"]),
        (r"~/\.well-known/.+", ["/.well-known/x"], ["/.well-known", "/xwell-known/x"]),
        ("~/ü+", ["/ü", "/üü"], ["/u"]),
        ("~/[^a-c]", ["/d", "/-", "/\N{PILE OF POO}"], ["/a", "/b", "/c"]),
        ("~^/a$", ["/a"], ["/ab"]),
        ("~(?i)/Abc", ["/abc", "/ABC"], ["/ab"]),
        ("~(/a|/b/c)+", ["/a", "/b/c", "/a/b/c/a"], ["/b", ""]),
        ("~/a/", ["/a"], ["/a/b"]),
        (r"~/a\{b\}", ["/a{b}"], ["/ab"]),
    ],
)
def test_what_fits(expression: str, fitting: list[str], missing: list[str]) -> None:
    subject = PathExpression(expression)
    assert [path for path in fitting if not subject.fits(path)] == []
    assert [path for path in missing if subject.fits(path)] == []


@pytest.mark.parametrize(
    ("expression", "literal"),
    [
        ("~/api/v1", ("api", "v1")),
        ("~/api/v[0-9]", ("api",)),
        ("~/api/.*", ("api",)),
        ("~/api(/.*)?", ()),  # what may stand behind it is not known, `/api-keys` for one
        ("~/api/?", ()),
        ("~/(a|b)/c", ()),
        ("~/a/(b|c)/d", ("a",)),
        ("~/a+", ()),
        (r"~/\.a/b/.+", (".a", "b")),
        ("~/a/b%2Fc/d", ("a",)),
        ("~/.*", ()),
        (r"~\b/a", ()),
        ("~/" + "a" * 5000, ()),
        ("~/ü/[äö]", ("ü",)),
    ],
)
def test_the_segments_that_all_paths_begin_with(expression: str, literal: tuple[str, ...]) -> None:
    assert PathExpression(expression).literal == literal


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("~", "no path fits: all begin with /, so write ~/..."),
        ("~api/.*", "no path fits"),
        ("~[a-z]+", "no path fits"),
        ("~/(a", "missing ): /(a"),
        ("~/a)", "unexpected ): /a)"),
        ("~/[z-a]", "invalid character class range: z-a"),
        ("~/a**", "bad repetition operator: **"),
        ("~/chat/{id}", "{id} is no parameter here; write [^/]+ for any segment"),
        (r"~/(a)\1", r"invalid escape sequence: \1"),
        ("~/(?=a)", "invalid perl operator: (?="),
        ("~/a{1001}", "invalid repetition size: {1001}"),
        ("~/((a{100}){100}){100}", "invalid repetition size"),
        ("~/" + "(" * 100_000, "missing )"),
        ("~/\udc80", "it is no text"),
    ],
)
def test_what_is_refused(expression: str, why: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadExpression) as told:
        PathExpression(expression)
    assert why in str(told.value)
    assert capfd.readouterr().err == "", "the library writes to the terminal"


def test_without_the_library_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)
    with pytest.raises(BadExpression, match=r"pip install 'devgate\[expressions\]'"):
        PathExpression("~/a")


@pytest.mark.parametrize(
    "expression", ["~/(a|a)*b", "~/(a*)*b", "~/.*.*.*.*.*=", "~/(.?){100}b", "~/(a|aa)+$", "~/(a|b)*a(a|b){100}x"]
)
def test_the_worst_takes_no_longer_than_it_is_long(expression: str) -> None:
    """With `re` each of these runs for minutes or centuries, which the suite would not survive."""
    subject = PathExpression(expression)
    assert not subject.fits("/" + "a" * 8000 + "c")
    assert not subject.fits("/" + "ab" * 4000 + "c")


@given(st.text("~/ab()[]{}|*+?.\\^$-,12dDwWü%", max_size=30), st.text("/ab1.ü%2F", max_size=10))
def test_any_text_is_understood_or_refused_and_what_fits_begins_with_the_literal(text: str, path: str) -> None:
    try:
        subject = PathExpression("~" + text)
    except BadExpression:
        return
    if subject.fits("/" + path):
        assert f"/{path}/".startswith("".join(f"/{name}" for name in subject.literal) + "/")
