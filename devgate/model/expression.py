r"""Regular expressions for paths, in time that grows with the path and no faster.

Python's `re` tries one way after another: `(a|a)*b` needs centuries for a path of a hundred letters, and `.*.*.*=` seconds for
one of eight thousand; as long as that takes, the gateway does nothing else, and anybody may send a path. To refuse nested
repetitions would stop the first and not the second; to bound the length the second and not the first; a timeout still gives every
such request its second. RE2 is the cure, but where there is no wheel of its binding a machine needs a compiler for it, for the
sake of what few profiles ever write.

So this is the automaton of Glushkov (1961): each place of the expression that takes a character is a position, the positions that
may come next are the bits of one integer, and a character costs a look-up and an AND. What such an automaton cannot do
(look-around, back-references) does not exist here. The meaning of the rest is that of `re` with `DOTALL` and `ASCII`, to which a
test holds it: a newline in a path must not lead past a route.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from devgate.model.grammar import MARK, POSITIONS_LIMIT, BadExpression, Choice, Repeat, Sequence, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devgate.model.grammar import Node, Ranges

MEMO_SIZE: Final = 2048
EXAMPLES: Final = 8

_END: Final = 1
"""The bit of the expression's end; position n has bit n + 1."""

_SLASH: Final[Ranges] = ((47, 47),)


class PathExpression:
    """A compiled expression.

    Args:
        path: with its `MARK`.

    Raises:
        BadExpression: it does not compile, or no path can fit.
    """

    __slots__ = ("_first", "_masks", "_sets", "_steps", "literal")

    def __init__(self, path: str) -> None:
        places = _Places()
        nullable, first, last = places.add(parse(path))
        places.link(last, _END)
        self._sets = tuple(places.sets)
        self._first = first | (_END if nullable else 0)
        self._masks = _Masks(self._sets)
        self._steps = _Steps(places.follow)
        if not self._first & self._masks["/"]:
            raise BadExpression(f"no path fits: all begin with /, so write {MARK}/...")
        self.literal = self._literal()
        """The whole segments that every path begins with which fits."""

    def fits(self, path: str) -> bool:
        """Whether `path`, which has no slash at its end, fits as a whole, or would with one: as everywhere in routes, that slash
        makes no difference."""
        masks, steps, state = self._masks, self._steps, self._first
        for char in path:
            state &= masks[char]
            if not state:
                return False
            state = steps[state]
        return bool((state | steps[state & masks["/"]]) & _END)

    def examples(self) -> Iterator[str]:
        """Some paths that fit, at least one, short ones first. Each place of the expression has a part in a few of them."""
        waiting, passed = deque([("", self._first)]), [0] * len(self._sets)
        while waiting:
            text, state = waiting.popleft()
            if state & _END:
                yield text
            for index, chars in enumerate(self._sets):
                if 2 << index & state and passed[index] < EXAMPLES:
                    passed[index] += 1
                    waiting.append((text + _example(chars), self._steps[2 << index]))

    def _literal(self) -> tuple[str, ...]:
        text, state = "", self._first
        while len(after := [chars for index, chars in enumerate(self._sets) if 2 << index & state]) == 1:
            ((low, high), *others) = after[0]
            if state & _END or others or low != high:
                break
            text += chr(low)
            state = self._steps[state]
        *names, last = text.split("/")[1:] or [""]
        if all(chars == _SLASH for chars in after):  # nothing can go on with the last name
            names.append(last)
        # An encoded slash looks the same as an encoded percent sign before 2F, and is another name.
        return tuple(names[: next((at for at, name in enumerate(names) if not name or "%2F" in name), len(names))])


class _Masks(dict[str, int]):
    """The positions that take a character; `_END` takes none."""

    def __init__(self, sets: tuple[Ranges, ...]) -> None:
        super().__init__()
        self._places: dict[Ranges, int] = {}
        for index, chars in enumerate(sets):
            self._places[chars] = self._places.get(chars, 0) | 2 << index

    def __missing__(self, char: str) -> int:
        if len(self) >= MEMO_SIZE:
            self.clear()
        point = ord(char)
        found = 0
        for chars, places in self._places.items():
            if any(low <= point <= high for low, high in chars):
                found |= places
        self[char] = found
        return found


class _Steps(dict[int, int]):
    """Where one gets from a set of positions."""

    def __init__(self, follow: list[int]) -> None:
        super().__init__()
        self._follow = follow

    def __missing__(self, state: int) -> int:
        if len(self) >= MEMO_SIZE:
            self.clear()
        found, left = 0, state >> 1
        while left:
            lowest = left & -left
            found |= self._follow[lowest.bit_length() - 1]
            left ^= lowest
        self[state] = found
        return found


class _Places:
    """The positions of an expression, and which may follow which."""

    def __init__(self) -> None:
        self.sets: list[Ranges] = []
        self.follow: list[int] = []

    def link(self, before: int, after: int) -> None:
        for index in range(len(self.follow)):
            if before & 2 << index:
                self.follow[index] |= after

    def add(self, node: Node) -> tuple[bool, int, int]:
        """Whether it fits nothing at all, and with which positions it may begin and end."""
        match node:
            case Choice(parts):
                found = [self.add(part) for part in parts]
                nullable, first, last = any(one[0] for one in found), 0, 0
                for _, begins, ends in found:
                    first, last = first | begins, last | ends
                return nullable, first, last
            case Sequence(parts):
                return self._chain([(part, False) for part in parts], loops=False)
            case Repeat(part, least, most):
                count = max(least, 1) if most is None else most
                return self._chain([(part, at >= least) for at in range(count)], loops=most is None)
            case chars:
                if len(self.sets) == POSITIONS_LIMIT:
                    raise BadExpression(f"it has more than {POSITIONS_LIMIT} places, repetitions written out")
                self.sets.append(chars)
                self.follow.append(0)
                place = 1 << len(self.sets)
                return False, place, place

    def _chain(self, parts: list[tuple[Node, bool]], *, loops: bool) -> tuple[bool, int, int]:
        """Parts after each other, each with whether it may be left out; the last one may `loop`."""
        nullable, first, last = True, 0, 0
        for at, (part, optional) in enumerate(parts):
            empty, begins, ends = self.add(part)
            if loops and at == len(parts) - 1:
                self.link(ends, begins)
            empty = empty or optional
            self.link(last, begins)
            first |= begins if nullable else 0
            last = ends | (last if empty else 0)
            nullable = nullable and empty
        return nullable, first, last


def _example(chars: Ranges) -> str:
    """A character of a set, where it can be one that no route will name."""
    unusual = next((char for char in "~q9Q-/" if any(low <= ord(char) <= high for low, high in chars)), "")
    return unusual or chr(chars[0][0])
