"""What one service was told: its part of the profile, and the variables that its process runs with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Variable:
    name: str
    value: str
    """Masked where it is a secret."""
    origin: str
    """Who has set it: a place in a file, `devgate`, `-e`, an env file."""


@dataclass(frozen=True, slots=True)
class Anatomy:
    service: str
    config: tuple[str, ...]
    """Lines of YAML, each with the place where it was written; secrets masked."""
    env: tuple[Variable, ...]
    """Of the process that runs, or ran last; empty before the first start and where somebody else runs it."""
    inherited: tuple[str, ...]
    """Names of the variables that it has from devgate's own environment. Their values are nobody's business here."""
