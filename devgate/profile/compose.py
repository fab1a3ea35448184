"""YAML to nodes, from the parser's events.

No constructor and no resolver takes part: there is no way to an object, and no guess at what a scalar is. Tags are refused,
duplicate keys are refused, and aliases may not make more of a file than a person would write (SEMANTICS 4, threat 22).
`<<` merges as YAML 1.1 says, because people use it with anchors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import yaml

from devgate.errors import ProfileError
from devgate.profile.nodes import List, Map, Text
from devgate.profile.problems import Problem, problem_at
from devgate.profile.source import Place


class PythonEvents(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser):
    """PyYAML's own parser, for where it was built without libyaml; ten times slower."""

    def __init__(self, stream: str) -> None:
        yaml.reader.Reader.__init__(self, stream)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)


Events: Any = getattr(yaml.cyaml, "CParser", PythonEvents) if yaml.__with_libyaml__ else PythonEvents


if TYPE_CHECKING:
    from devgate.profile.nodes import Node
    from devgate.profile.source import SourceFile

DEEPEST: Final = 32
MOST_NODES: Final = 50_000
"""Nodes of a file, those behind aliases counted each time."""

# What libyaml says -> what happened, what to do.
_SYNTAX: Final = (
    ("tab character", "a tab cannot indent", "use spaces"),
    ("mapping values are not allowed", "no key is expected here", "check indentation and the line above; quote text with ': '"),
    ("could not find expected ':'", "a key without its colon", "write it as `name: ...`; quote text that runs over lines"),
    ("did not find expected key", "this does not fit here", "check the indentation, and the quotes and brackets above"),
    ("did not find expected '-' indicator", "this does not line up with the list above", "begin each entry with `- `"),
    ("did not find expected ',' or ']'", "a list in brackets is not closed", "close it with ]"),
    ("did not find expected ',' or '}'", "a map in braces is not closed", "close it with }; quote text that has braces"),
    ("did not find expected node content", "a value is missing, or begins with a sign that means something", "quote it"),
    ("found unexpected end of stream", "a quote is not closed", "close it"),
    ("block sequence entries are not allowed", "a list cannot begin here", "put `- ` on a line of its own, or use [a, b]"),
    ("while scanning an alias", "* begins an alias", "quote the text"),
    ("while scanning an anchor", "& begins an anchor", "quote the text"),
    ("unknown escape character", "an unknown escape", "use single quotes, in which a backslash is a backslash"),
    ("incompatible YAML document", "an unknown version of YAML", "remove the line"),
    ("cannot start any token", "this sign cannot begin a value", "quote the value"),
)  # fmt: skip
# With these the fault is where the thing began, not where the parser gave up.
_BEGUN: Final = ("end of stream", "expected ',' or", "could not find expected ':'")


def compose(source: SourceFile) -> Map:
    """The file's root.

    Raises:
        ProfileError: with every fault that can be told apart, or the first one of syntax.
    """
    composer = _Composer(source)
    try:
        root = composer.document()
    except yaml.MarkedYAMLError as error:
        raise ProfileError(f"{source.path} is not YAML", [*composer.problems, _syntax(source, error)]) from error
    except yaml.YAMLError as error:
        raise ProfileError(f"{source.path} is not YAML", [Problem(str(error), file=str(source.path))]) from error
    if composer.problems:
        raise ProfileError(f"{source.path} cannot be used", composer.problems)
    return root


class _Stop(Exception):
    """Reading on makes no sense; the reason is among the problems."""


class _Composer:
    def __init__(self, source: SourceFile) -> None:
        self.problems: list[Problem] = []
        self._source = source
        self._events = Events(source.text)
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._count = 0

    def document(self) -> Map:
        """Read the whole stream; an empty map if there is a problem."""
        empty = Map(Place(self._source, 1, 1))
        try:
            self._next()  # the stream begins
            event = self._next()
            if isinstance(event, yaml.StreamEndEvent):
                self.problems.append(
                    Problem("the file is empty", file=str(self._source.path), hint="begin with `services:`")
                )
                return empty
            root = self._node(self._next(), 0)
            self._next()  # the document ends
            event = self._next()
            if not isinstance(event, yaml.StreamEndEvent):
                self._fault(event, "a second document begins", "one file holds one profile; remove the `---` line")
        except _Stop:
            return empty
        if isinstance(root, Map):
            return root
        if isinstance(root, Text) and root.null:
            self.problems.append(problem_at(root.place, "the file is empty", hint="begin with `services:`"))
        else:
            self.problems.append(
                problem_at(root.place, "a profile is a map", hint="begin with a key such as `services:`")
            )
        return empty

    def _next(self) -> Any:
        return self._events.get_event()

    def _node(self, event: Any, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        anchor, before = event.anchor, self._count
        self._add(1, event)
        if event.tag is not None:
            self._fault(event, f"the tag {event.tag} is not allowed", "remove it; quote a value that begins with !")
        if depth > DEEPEST:
            self._fault(event, f"nested more than {DEEPEST} levels deep", "")
            raise _Stop
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            if "\0" in event.value:
                self._fault(event, "a value holds a NUL", "no path, command or variable can have one")
            node = Text(event.value, self._place(event), plain=event.style is None or event.style == "")
        elif isinstance(event, yaml.SequenceStartEvent):
            node = List(self._place(event))
            while not isinstance(event := self._next(), yaml.SequenceEndEvent):
                node.items.append(self._node(event, depth + 1))
        else:
            node = self._map(event, depth)
        if anchor is not None:
            self._anchors[anchor] = (node, self._count - before)
        return node

    def _map(self, start: Any, depth: int) -> Map:
        node = Map(self._place(start))
        merged: list[Node] = []
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            value = self._node(self._next(), depth + 1)
            if not isinstance(key, Text):
                self.problems.append(
                    problem_at(key.place, "a key must be text", hint="quote text with braces or brackets")
                )
            elif key.text == "<<" and key.plain:
                merged += value.items if isinstance(value, List) else [value]
            elif key.text in node.entries:
                message = f"the key {key.text!r} stands here twice, first in line {node.keys[key.text].line}"
                self.problems.append(problem_at(key.place, message, hint="keep one of them"))
            else:
                node.entries[key.text] = value
                node.keys[key.text] = key.place
        for other in merged:
            if not isinstance(other, Map):
                self.problems.append(problem_at(other.place, "<< merges maps, and this is none"))
                continue
            for name, value in other.entries.items():
                if name not in node.entries:
                    node.entries[name], node.keys[name] = value, other.keys[name]
        return node

    def _alias(self, event: Any) -> Node:
        found = self._anchors.get(event.anchor)
        if found is None:
            self._fault(event, f"there is no anchor &{event.anchor} above", "text that begins with * must be quoted")
            raise _Stop
        node, size = found
        self._add(size, event)
        return node

    def _add(self, nodes: int, event: Any) -> None:
        self._count += nodes
        if self._count > MOST_NODES:
            self._fault(
                event, f"the file has more than {MOST_NODES} values, those behind aliases counted each time", ""
            )
            raise _Stop

    def _fault(self, event: Any, message: str, hint: str) -> None:
        self.problems.append(problem_at(self._place(event), message, hint=hint))

    def _place(self, event: Any) -> Place:
        start, end = event.start_mark, event.end_mark
        width = end.column - start.column if end.line == start.line else 1
        return Place(self._source, start.line + 1, start.column + 1, max(width, 1))


def _syntax(source: SourceFile, error: yaml.MarkedYAMLError) -> Problem:
    said = f"{error.problem or ''} {error.context or ''}".strip()
    begun = any(sign in said for sign in _BEGUN) and error.context_mark is not None
    mark = error.context_mark if begun else error.problem_mark
    if mark is None:
        return Problem(said, file=str(source.path))
    if source.line(mark.line + 1)[mark.column : mark.column + 1] == "\t":
        said = "tab character"
    elif not begun and mark.index >= len(source.text.rstrip()):
        lines = source.text.rstrip().splitlines() or [""]
        end = Place(source, len(lines), len(lines[-1]) + 1)
        return problem_at(end, "the file ends too early", hint="close what is open: a bracket, a brace, a quote")
    message, hint = next(((what, todo) for sign, what, todo in _SYNTAX if sign in said), (said or "not YAML", ""))
    return problem_at(Place(source, mark.line + 1, mark.column + 1), message, hint=hint)
