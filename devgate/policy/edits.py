"""What a profile changes about the header fields of requests and answers: taken away, replaced, added, in this order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Field = tuple[bytes, bytes]

PROTECTED: Final = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect", "keep-alive"}
    | {"proxy-connection", "via", "x-request-id", "date"}
    | {"sec-websocket-key", "sec-websocket-accept", "sec-websocket-version"}
)
"""Names without which the message would be another one, or nobody would know whose it is: the gateway's own business."""
PROTECTED_PREFIXES: Final = ("x-forwarded-", "access-control-")
"""What only a gateway may say; `gateway.cors` is where answers get the latter from."""

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\U0010ffff]*")


def fault_in(name: str, value: str = "") -> str:
    """Why a field may not be touched, or cannot be sent; empty if nothing is wrong (RFC 9110 5.1, 5.5)."""
    lowered = name.lower()
    if not _NAME.fullmatch(name):
        return f"{name!r} is not the name of a header"
    if lowered in PROTECTED or lowered.startswith(PROTECTED_PREFIXES):
        return f"{name} is the gateway's own business"
    if not _VALUE.fullmatch(value) or value != value.strip():
        return f"the value of {name} cannot be sent: it holds a control character, or a blank at one end"
    return ""


@dataclass(frozen=True, slots=True)
class Edits:
    """Changes to the fields of one direction."""

    removed: frozenset[bytes]
    """Lower-case names of which nothing stays, those that are set again included."""
    added: tuple[Field, ...]

    @classmethod
    def of(cls, remove: Iterable[str], set: Mapping[str, str], add: Mapping[str, Sequence[str]]) -> Edits | None:
        """From what a profile says; None if that is nothing."""
        added = [(name, value) for name, value in set.items()]
        added += [(name, value) for name, values in add.items() for value in values]
        removed = frozenset(name.lower().encode() for name in (*remove, *set))
        if not removed and not added:
            return None
        return cls(removed, tuple((name.encode(), value.encode()) for name, value in added))

    def fields(self, fields: Iterable[Field]) -> list[Field]:
        """Fields, changed; those that stay keep order and case."""
        kept = [field for field in fields if field[0].lower() not in self.removed] if self.removed else list(fields)
        return kept + list(self.added)

    def lines(self, lines: Iterable[bytes]) -> list[bytes]:
        """The same for fields that are lines already."""
        kept = [line for line in lines if line.partition(b":")[0].lower() not in self.removed]
        return kept + [b"%b: %b\r\n" % field for field in self.added]
