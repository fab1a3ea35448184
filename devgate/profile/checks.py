"""Rules across fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devgate.profile.nodes import Map
    from devgate.profile.parse import Draft
    from devgate.profile.problems import Problem


def check(draft: Draft, root: Map, *, expose: bool) -> list[Problem]:
    return []
