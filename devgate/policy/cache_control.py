"""`Cache-Control` taken apart (RFC 9111 5.2).

Whatever cannot be read makes an answer less reusable and never more: an unreadable number of seconds is 0, and of a directive
that is given twice the first counts (RFC 9111 4.2.1). `private="x"` and `no-cache="x"` are taken without their lists of fields,
as the RFC allows and most caches do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Directives = Mapping[bytes, bytes | None]

LONGEST_S: Final = 2**31
"""What is larger stands for this many seconds (RFC 9111 1.2.2)."""

_DIRECTIVE: Final = re.compile(
    rb"""\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)      # its name
         (?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^,\s]*)))?   # and value, which may be quoted
         [^,]*(?:,|$)                            # whatever else stands there belongs to nothing
    """,
    re.VERBOSE,
)


def directives(values: Iterable[bytes]) -> dict[bytes, bytes | None]:
    """Lower-case name to value, of all fields of that name; None where there is no value."""
    found: dict[bytes, bytes | None] = {}
    for value in values:
        for match in _DIRECTIVE.finditer(value):
            name, quoted, plain = match.groups()
            found.setdefault(name.lower(), plain if quoted is None else quoted)
    return found


def seconds(given: Directives, name: bytes) -> int | None:
    """The number that a directive gives; None where there is no such directive, 0 where it cannot be read."""
    if name not in given:
        return None
    value = given[name] or b""
    if not value.isdigit():
        return 0
    return min(int(value[:12]), LONGEST_S) if len(value) <= 12 else LONGEST_S
