"""Regular expressions that people write, in a search field or a profile, and that cannot stop the gateway: pure.

Python's `re` has no time limit and holds the interpreter while it matches. `(a+)+$` on one long log line would stop every request
for minutes, so an endless repetition inside a repetition is refused, as is a reference back into the match.
"""

from __future__ import annotations

import re
import warnings
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any, Final

LONGEST: Final = 200
_MANY: Final = 16
"""A repetition that may match more often than this counts as endless."""


def compile_pattern(text: str) -> re.Pattern[str]:
    """What is searched for; without capital letters in `text` it ignores case.

    Raises:
        ValueError: it is no regular expression, or could take for ever; the message says which.
    """
    return compile_bounded(text, re.IGNORECASE if text == text.lower() else re.NOFLAG)


def compile_bounded(text: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    """The expression as it is written.

    Raises:
        ValueError: as `compile_pattern`.
    """
    if len(text) > LONGEST:
        raise ValueError(f"longer than {LONGEST} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "possible nested set": matches as written, nobody has to know
            tree = _parser.parse(text, flags.value)
            pattern = re.compile(text, flags)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(str(error)) from None
    if _endless(tree, repeated=False):
        raise ValueError("a repetition inside a repetition could match for ever")
    return pattern


def _endless(node: Any, *, repeated: bool) -> bool:
    """Whether a long repetition lies in another, or anything refers back. `node` is what `re`'s own parser made."""
    if isinstance(node, tuple) and len(node) == 2 and node[0] in _REPEATS:
        _, most, inner = node[1]
        many = most > _MANY
        return (many and repeated) or _endless(inner, repeated=repeated or many)
    if isinstance(node, tuple) and len(node) == 2 and node[0] in (_constants.GROUPREF, _constants.GROUPREF_EXISTS):
        return True
    if isinstance(node, tuple | list | _parser.SubPattern):
        return any(_endless(part, repeated=repeated) for part in node)
    return False


_REPEATS: Final = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)
