"""`${NAME}` and its forms, as docker compose has them.

    ${A}        the value; not set: a problem
    ${A:-x}     x if A is not set or empty        ${A-x}     x if A is not set
    ${A:?text}  text is the problem if A is not set or empty; ${A?text} only if it is not set
    $$          a dollar

`x` may hold further `${...}`. A `$` before anything else stays, so that `price$` and `$HOME` are what they look like. Commands
are left alone altogether: the shell that runs them has its own `$`. What comes in is text and nothing else: a value cannot add
keys or become code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar, cast

from devgate.profile.nodes import List, Map, Text
from devgate.profile.problems import problem_at
from devgate.profile.source import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devgate.profile.nodes import KeyPath, Node
    from devgate.profile.problems import Problem

DEEPEST: Final = 8
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR: Final = re.compile(r":-|-|:\?|\?")
_COMMANDS: Final = (("command",), ("ready", "exec"), ("stop", "command"))


class Value(NamedTuple):
    """What a name stands for."""

    text: str
    origin: str
    """`env NAME` or `.env:3`."""


class Fault(NamedTuple):
    """What is wrong inside a text, and where in it."""

    start: int
    width: int
    message: str
    hint: str


@dataclass(slots=True)
class Expansion:
    """The outcome for one text."""

    text: str = ""
    origins: list[str] = field(default_factory=list)
    variables: list[tuple[str, str]] = field(default_factory=list)
    """Each name that was looked up, and what came in its place: its value or the default written beside it."""
    faults: list[Fault] = field(default_factory=list)


def expand(text: str, values: Mapping[str, Value]) -> Expansion:
    """Replace every `${...}`; faults are collected and leave nothing in their place."""
    reader = _Reader(text, values)
    reader.result.text = reader.read(0, live=True, nested=False)
    return reader.result


class _Reader:
    def __init__(self, text: str, values: Mapping[str, Value]) -> None:
        self.result = Expansion()
        self._text = text
        self._values = values
        self._at = 0

    def read(self, depth: int, *, live: bool, nested: bool) -> str:
        """Read to the end, or to the brace that closes this level; what is not `live` is read over without looking names up."""
        text, out = self._text, []
        while self._at < len(text):
            char = text[self._at]
            if nested and char == "}":
                break
            if char == "$" and text[self._at + 1 : self._at + 2] == "$":
                out.append("$")
                self._at += 2
            elif char == "$" and text[self._at + 1 : self._at + 2] == "{":
                out.append(self._variable(depth + 1, live=live))
            else:
                out.append(char)
                self._at += 1
        return "".join(out)

    def _variable(self, depth: int, *, live: bool) -> str:
        start = self._at
        self._at += 2
        name = _NAME.match(self._text, self._at)
        if depth > DEEPEST:
            return self._broken(start, f"more than {DEEPEST} levels of ${{...}} inside each other")
        if name is None:
            return self._broken(start, "after ${ comes a name of letters, digits and _")
        self._at = name.end()
        operator = _OPERATOR.match(self._text, self._at)
        value = self._values.get(name[0])
        given = value is not None and (bool(value.text) or operator is None or operator[0] in ("-", "?"))
        rest = ""
        if operator is not None:
            self._at = operator.end()
            rest = self.read(depth, live=live and not given, nested=True)
        if self._text[self._at : self._at + 1] != "}":
            shown = f"${{{name[0]}"
            return self._broken(
                start, f"{shown} is not closed; what may follow is }}, :-default, -default, :?text or ?text"
            )
        self._at += 1
        if not live:
            return ""
        if given and value is not None:
            self.result.origins.append(value.origin)
            self.result.variables.append((name[0], value.text))
            return value.text
        if operator is not None and operator[0] in (":-", "-"):
            self.result.variables.append((name[0], rest))
            return rest
        self._missing(start, name[0], None if operator is None else rest)
        return ""

    def _missing(self, start: int, name: str, text: str | None) -> None:
        if text is not None:
            message, hint = (
                f"{name} is not set" + (f": {text}" if text else ""),
                "set it in the environment or in an env_file",
            )
        else:
            near = get_close_matches(name, self._values, n=1, cutoff=0.8)
            hint = f"did you mean {near[0]}?" if near else f"set it, or give a default: ${{{name}:-...}}"
            message = f"{name} is not set"
        self.result.faults.append(Fault(start, self._at - start, message, hint))

    def _broken(self, start: int, message: str) -> str:
        self.result.faults.append(Fault(start, 2, message, "a dollar that is meant as such is written $$"))
        self._at = len(self._text)
        return ""


N = TypeVar("N", bound="Node")


def interpolate(node: N, values: Mapping[str, Value], problems: list[Problem], path: KeyPath = ()) -> N:
    """The tree with every `${...}` replaced, commands excepted; appends to `problems`."""
    filled: Node = node
    if path[:1] == ("services",) and path[2:] in _COMMANDS:
        pass
    elif isinstance(node, Text):
        filled = _expanded(node, path, values, problems)
    elif isinstance(node, List):
        items = [interpolate(below, values, problems, (*path, index)) for index, below in enumerate(node.items)]
        filled = List(node.place, items)
    else:
        entries = {name: interpolate(below, values, problems, (*path, name)) for name, below in node.entries.items()}
        filled = Map(node.place, entries, node.keys)
    return cast("N", filled)


def _expanded(node: Text, path: KeyPath, values: Mapping[str, Value], problems: list[Problem]) -> Text:
    if "$" not in node.text:
        return node
    expansion = expand(node.text, values)
    problems += [
        problem_at(_inside(node, fault), fault.message, hint=fault.hint, path=path) for fault in expansion.faults
    ]
    return Text(
        expansion.text,
        node.place,
        plain=node.plain,
        origin=", ".join(dict.fromkeys(expansion.origins)),
        variables=tuple(expansion.variables),
    )


def _inside(node: Text, fault: Fault) -> Place:
    """The fault's own place, where the text stands in one piece on its line."""
    place = node.place
    line = place.file.line(place.line)
    at = line.find(node.text, place.column - 1)
    if not 0 <= at <= place.column:
        return place
    return Place(place.file, place.line, at + fault.start + 1, fault.width)
