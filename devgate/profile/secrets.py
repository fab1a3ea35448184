"""Which texts of a profile are secrets, by where they come from.

A name tells that a value is one (`redact.sensitive`), but a value travels: `STRIPE: "${JWT_SECRET}"` is a secret under a harmless
name. So whatever comes from a variable with a telling name is hidden where it was put, whatever its length; and the longer ones
are hidden in every other text, too, since a command or an address may repeat them. A short one is not: it would be found in words
that have nothing to do with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devgate.profile.nodes import Text, leaves
from devgate.redact import masked, sensitive

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from devgate.profile.nodes import KeyPath, Node

TELLING: Final = 8
"""Characters from which a secret is looked for in texts that it was not put into."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of one profile."""

    at: Mapping[KeyPath, tuple[str, ...]]
    """Those that stand in a value, by its path."""
    anywhere: tuple[str, ...]
    """Those that are long enough to be recognised in any text; the longest first, as one may hold another."""

    def touch(self, path: KeyPath) -> bool:
        """Whether a secret was put in here, or into the short form that this was made from."""
        return any(path[:length] in self.at for length in range(1, len(path) + 1))

    def hidden(self, path: KeyPath, text: str) -> str:
        """The text at a path without the secrets in it."""
        here = [secret for length in range(1, len(path) + 1) for secret in self.at.get(path[:length], ())]
        return _without(text, sorted({*here, *self.anywhere}, key=len, reverse=True)) if here else self.out_of(text)

    def out_of(self, text: str) -> str:
        """Any text without those that can be recognised."""
        return _without(text, self.anywhere)


def secrets_of(root: Node, given: Iterable[tuple[str, str]]) -> Secrets:
    """The secrets of a tree.

    Args:
        root: after `${...}` was replaced.
        given: names and values of the env files: one of their values may be made of another.
    """
    known = {text for name, text in given if sensitive(name)}
    at: dict[KeyPath, tuple[str, ...]] = {}
    for path, node in leaves(root):
        if not isinstance(node, Text):
            continue
        if found := of_secrets(node):
            at[path] = found
            known.update(found)
        if "env" in path[:-1] and sensitive(str(path[-1])):
            known.add(node.text)
    return Secrets(at, tuple(sorted((one for one in known if len(one) >= TELLING), key=len, reverse=True)))


def of_secrets(node: Text) -> tuple[str, ...]:
    """What `${...}` put into a text from variables whose names say that they are secrets."""
    return tuple(text for name, text in node.variables if text and sensitive(name))


def _without(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, masked(secret))
    return text
