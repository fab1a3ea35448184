r"""How regular expressions for paths are written, and what they consist of: the part of Python's that `expression` knows.

What makes no difference to whether a whole path fits (lazy repetitions, anchors, named groups) is refused rather than ignored,
but for `^` and `$` round the whole, which everybody writes by habit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MARK: Final = "~"
"""What a path that is a regular expression begins with, as in nginx."""
POSITIONS_LIMIT: Final = 256
"""Places that take a character, repetitions written out. With the length of a path this bounds the work for one: a tenth of a
second for 8 KiB and the worst expression; what is usual takes three microseconds."""
DEPTH_LIMIT: Final = 50
"""Groups in groups."""

Ranges = tuple[tuple[int, int], ...]
"""A set of characters: first and last code points."""

_LAST: Final = 0x10FFFF
_ANY: Final[Ranges] = ((0, _LAST),)
_DIGITS: Final[Ranges] = ((48, 57),)
_WORDS: Final[Ranges] = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACES: Final[Ranges] = ((9, 13), (32, 32))
_CLASSES: Final = {"d": _DIGITS, "w": _WORDS, "s": _SPACES}
_BOUNDS: Final = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class BadExpression(ValueError):
    """An expression that is not understood; the text says why and where."""


@dataclass(frozen=True, slots=True)
class Choice:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Sequence:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    part: Node
    least: int
    most: int | None


Node = Ranges | Choice | Sequence | Repeat


def parse(path: str) -> Node:
    """Read an expression with its `MARK`.

    Raises:
        BadExpression: it is not understood.
    """
    return _Parser(path).parse()


class _Parser:
    """Reads an expression from its mark on."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = len(MARK)
        self._depth = 0

    def parse(self) -> Node:
        if self._next == "^":
            self._at += 1
        node = self._choice()
        if self._next == ")":
            raise self._bad("this ) closes nothing")
        return node

    @property
    def _next(self) -> str:
        """The character to come; empty at the end."""
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        char = self._next
        self._at += 1
        return char

    def _choice(self) -> Node:
        parts = [self._sequence()]
        while self._next == "|":
            self._at += 1
            parts.append(self._sequence())
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while self._next not in ("", "|", ")"):
            if self._text[self._at :] == "$":
                self._at += 1
                break
            parts.append(self._repeated(self._item()))
        if not parts:
            raise self._bad("something must stand here")
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _item(self) -> Node:
        char = self._take()
        match char:
            case ".":
                return _ANY
            case "[":
                return self._class()
            case "\\":
                return self._escape()
            case "(":
                return self._group()
            case "*" | "+" | "?":
                raise self._bad(f"there is nothing that {char} could repeat", 1)
            case "{" | "}":
                raise self._bad(f"write \\{char} for a brace, and [^/]+ for any segment", 1)
            case "]":
                raise self._bad("write \\] for a bracket", 1)
            case "^" | "$":
                raise self._bad(f"{char} is not needed: the whole path has to fit", 1)
        return _one(char)

    def _group(self) -> Node:
        begin = self._at - 1
        if self._text.startswith("?:", self._at):
            self._at += 2
        elif self._next == "?":
            raise self._bad("of groups with ? only (?:...) is understood", 1)
        self._depth += 1
        if self._depth > DEPTH_LIMIT:
            raise self._bad("there are too many groups in groups", 1)
        node = self._choice()
        if self._take() != ")":
            self._at = begin
            raise self._bad("this ( is not closed")
        self._depth -= 1
        return node

    def _repeated(self, node: Node) -> Node:
        char = self._next
        if char in _BOUNDS:
            self._at += 1
            node = Repeat(node, *_BOUNDS[char])
        elif char == "{":
            node = Repeat(node, *self._bounds())
        else:
            return node
        if self._next == "{" or self._next in _BOUNDS:
            raise self._bad("a repetition is repeated; lazy and possessive ones fit the same paths")
        return node

    def _bounds(self) -> tuple[int, int | None]:
        written, brace, _ = self._text[self._at + 1 :].partition("}")
        least, comma, most = written.partition(",")
        if not brace or not _is_count(least or "0") or not _is_count(most or "0") or not (least or most):
            raise self._bad(
                "a repetition is written {2}, {2,} or {2,4}; write \\{ for a brace, and [^/]+ for any segment"
            )
        low = int(least or 0)
        high = int(most) if most else None if comma else low
        if max(low, high or 0) > POSITIONS_LIMIT or high == 0 or (high is not None and high < low):
            raise self._bad(f"{{{written}}} makes no sense, or more than {POSITIONS_LIMIT} repetitions")
        self._at += len(written) + 2
        return low, high

    def _class(self) -> Ranges:
        begin = self._at - 1
        negated = self._next == "^"
        self._at += negated
        found: list[tuple[int, int]] = []
        while self._next != "]":
            ranges = self._member()
            if self._next == "-" and self._text[self._at + 1 : self._at + 2] != "]":
                self._at += 1
                upper = self._member()
                if len(ranges) > 1 or len(upper) > 1 or ranges[0][0] != ranges[0][1] or upper[0][0] != upper[0][1]:
                    raise self._bad("a range goes from one character to another")
                if ranges[0][0] > upper[0][0]:
                    raise self._bad("a range goes from the smaller character to the larger one")
                ranges = ((ranges[0][0], upper[0][0]),)
            found += ranges
            if not self._next:
                self._at = begin
                raise self._bad("this [ is not closed")
        self._at += 1
        if not found:
            raise self._bad("a class has at least one character; write \\] for a bracket")
        ranges = _complement(found) if negated else tuple(found)
        if not ranges:
            raise self._bad("no character is in this class")
        return ranges

    def _member(self) -> Ranges:
        char = self._take()
        if char == "\\":
            return self._escape()
        if char == "[":
            raise self._bad("write \\[ for a bracket", 1)
        return _one(char) if char else _ANY

    def _escape(self) -> Ranges:
        char = self._take()
        if char.lower() in _CLASSES:
            ranges = _CLASSES[char.lower()]
            return ranges if char.islower() else _complement(list(ranges))
        if not char or char.isalnum():
            raise self._bad(f"\\{char} is not understood; there are \\d, \\w, \\s, \\D, \\W and \\S", 2)
        return _one(char)

    def _bad(self, why: str, back: int = 0) -> BadExpression:
        """`back`: how many characters ago it was."""
        return BadExpression(f"{why} (character {self._at - back + 1})")


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4


def _one(char: str) -> Ranges:
    return ((ord(char), ord(char)),)


def _complement(ranges: list[tuple[int, int]]) -> Ranges:
    found, free = [], 0
    for low, high in sorted(ranges):
        if low > free:
            found.append((free, low - 1))
        free = max(free, high + 1)
    if free <= _LAST:
        found.append((free, _LAST))
    return tuple(found)
