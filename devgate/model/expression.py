r"""Regular expressions for paths, in time that grows with the path and no faster.

Python's `re` tries one way after another: `(a|a)*b` needs centuries for a path of a hundred letters, and `.*.*.*=` seconds for
one of eight thousand; as long as that takes, the gateway does nothing else, and anybody may send a path. RE2 walks all ways at
once: under a millisecond for 8 KiB and the worst of them (measured). It is an extra, because few profiles need it and not every
system has a wheel of it.

Its syntax is RE2's, in which `.` here takes a newline as well: one in a path must not lead past a route.
"""

from __future__ import annotations

import re
from typing import Any, Final

MARK: Final = "~"
"""What a path that is a regular expression begins with, as in nginx."""
MISSING: Final = "it takes google-re2: pip install 'devgate[expressions]'"
_PARAMETER: Final = re.compile(r"(?<!\\)\{[A-Za-z_]\w*\}")
_LONGEST: Final = 1024
"""Bytes of the beginning that all paths share which are asked for."""


class BadExpression(ValueError):
    """An expression that is not understood; the text says why."""


class PathExpression:
    """A compiled expression.

    Args:
        path: with its `MARK`.

    Raises:
        BadExpression: it does not compile, no path can fit, or there is no library for it.
    """

    __slots__ = ("_compiled", "literal")

    def __init__(self, path: str) -> None:
        text = path.removeprefix(MARK)
        if parameter := _PARAMETER.search(text):
            raise BadExpression(f"{parameter[0]} is no parameter here; write [^/]+ for any segment")
        self._compiled = _compile(text)
        low, high = self._compiled.possiblematchrange(_LONGEST)
        if not text or b"" < high < b"/" or low >= b"0":  # nothing as both ends: it cannot be told
            raise BadExpression(f"no path fits: all begin with /, so write {MARK}/...")
        self.literal = _literal(low, high)
        """Whole segments that every path begins with which fits."""

    def fits(self, path: str) -> bool:
        """Whether `path`, which has no slash at its end, fits as a whole, or would with one: as everywhere in routes, that slash
        makes no difference."""
        return self._compiled.fullmatch(path) is not None or self._compiled.fullmatch(f"{path}/") is not None


def _compile(text: str) -> Any:
    try:
        import re2
    except ImportError:
        raise BadExpression(MISSING) from None
    options = re2.Options()
    options.dot_nl = True
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as fault:
        raise BadExpression(_text(fault.args[0])) from None
    except UnicodeEncodeError:
        raise BadExpression("it is no text") from None


def _literal(low: bytes, high: bytes) -> tuple[str, ...]:
    shared = next((at for at, (one, other) in enumerate(zip(low, high, strict=False)) if one != other), len(low))
    names = low[:shared].decode("utf-8", "replace").split("/")[1:]
    if low != high or len(low) == _LONGEST:
        names = names[:-1]  # it may go on
    # An encoded slash looks the same as an encoded percent sign before 2F, and is another name.
    return tuple(names[: next((at for at, name in enumerate(names) if not name or "%2F" in name), len(names))])


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said
