"""JSON as people read it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.inspection.layout import LINE, pretty

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=40,
)


@pytest.mark.parametrize("text", ["", "plain", "{nonsense", "[" * 50_000, '"[1]"'])
def test_what_is_no_list_and_no_object_stays_as_it_is(text: str):
    assert pretty(text) == text


def test_what_is_short_stays_on_one_line():
    assert pretty('{"a":[1,{"b":null}],"c":{}}') == '{"a": [1, {"b": null}], "c": {}}'


def test_what_is_long_has_a_line_for_each_value():
    value = {"name": "n" * 40, "members": [{"id": 1}, {"id": 2}], "about": ["x" * 40, "y" * 40]}
    assert pretty(json.dumps(value)).splitlines() == [
        "{",
        f'  "name": "{"n" * 40}",',
        '  "members": [{"id": 1}, {"id": 2}],',
        '  "about": [',
        f'    "{"x" * 40}",',
        f'    "{"y" * 40}"',
        "  ]",
        "}",
    ]


def test_to_be_compared_each_value_has_its_own_line():
    assert pretty('{"a":[1],"b":[],"c":2}', 0) == '{\n  "a": [\n    1\n  ],\n  "b": [],\n  "c": 2\n}'


def test_many_numbers_fill_their_lines():
    lines = pretty(json.dumps(list(range(200)))).splitlines()
    assert len(lines) < 20
    assert max(map(len, lines)) <= LINE + 2


def test_numbers_are_as_they_were():
    text = '{"a": 1.10, "b": 1e3, "c": 12345678901234567890123, "d": -0.0, "e": NaN}'
    assert pretty(text) == text


@given(JSON)
def test_nothing_is_changed(value: Any):
    assert json.loads(pretty(json.dumps([value]))) == [value]
