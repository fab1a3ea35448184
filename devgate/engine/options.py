"""What the command line decides about a start, beyond the profile."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Options:
    """As `devgate up` takes them."""

    all_stubs: bool = False
    auto_ports: bool = False
    take_ports: bool = False
    only: frozenset[str] | None = None
    no_needs: bool = False
    """Start services without what they need."""
    exit_on_fail: bool = False
    exit_code_from: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables that beat every other."""
