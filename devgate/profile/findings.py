"""What rules look at and what they say."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from devgate.model.profile import Profile
    from devgate.profile.nodes import KeyPath


HEADER_NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
"""RFC 9110 5.1, 5.6.2."""


class Subject(NamedTuple):
    """What is checked."""

    profile: Profile
    services: frozenset[str]
    """Every name that is written, also of services that could not be read."""
    doubtful: frozenset[str]
    """Services that could be read in part only: what they seem to lack has perhaps been misspelt."""
    expose: bool
    """Whether it may listen beyond loopback."""


class Finding(NamedTuple):
    """Something wrong with a profile. Routes are numbered as in `Subject.profile`."""

    path: KeyPath
    message: str
    hint: str = ""
    severity: Literal["error", "warning"] = "error"
    at_key: bool = False
    """Point at the key, not at its value."""


def near(name: str, names: Iterable[str], otherwise: str = "") -> str:
    """A hint at the most similar name."""
    found = get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f"did you mean {found[0]}?" if found else otherwise


def unsendable(headers: Mapping[str, str], path: KeyPath) -> Iterator[Finding]:
    """Those of an answer's headers that no answer can have; `path` leads to all of them."""
    for header, value in headers.items():
        if not re.fullmatch(HEADER_NAME, header) or not value.isprintable():
            yield Finding((*path, header), f"{header!r} cannot be sent as a header", at_key=True)
