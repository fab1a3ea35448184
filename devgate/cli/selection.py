"""Which services of a profile are meant by `--only`, `--except` and `--no-deps`, and in which order they start. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devgate.errors import CommandError, Exit
from devgate.supervisor.graph import levels, pulled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devgate.model.profile import Profile


def selection(
    profile: Profile, only: frozenset[str], without: frozenset[str], *, no_deps: bool
) -> frozenset[str] | None:
    """The services to start; None: all that start by themselves, also those that the profile gets later.

    Raises:
        CommandError: a name that no service has, or one that is left out and needed.
    """
    for name in sorted(only | without):
        if name not in profile.services:
            from devgate.engine.commands import unknown_service

            raise unknown_service(name, profile.services)
    if not only and not without:
        return None
    chosen = (only or _by_themselves(profile)) - without
    if not no_deps and (missed := pulled(chosen, _needs(profile)) & without):
        name = min(missed)
        who = ", ".join(other for other in profile.services if other in chosen and name in _needs(profile)[other])
        raise CommandError(
            f"{name} is left out, and needed" + (f" by {who}" if who else ""),
            hint="leave those out, too, or start them without what they need: --no-deps",
            code="needed-service",
            exit_code=Exit.USAGE,
        )
    return chosen


def start_order(profile: Profile, chosen: frozenset[str] | None, *, no_deps: bool) -> Sequence[Sequence[str]]:
    """What would start, in groups that start at the same time."""
    wanted = _by_themselves(profile) if chosen is None else chosen
    starting = wanted if no_deps else pulled(wanted, _needs(profile))
    needs = {name: spec.depends_on for name, spec in profile.services.items() if name in starting}
    return levels(needs)


def _by_themselves(profile: Profile) -> frozenset[str]:
    return frozenset(name for name, spec in profile.services.items() if spec.autostart is True)


def _needs(profile: Profile) -> Mapping[str, Sequence[str]]:
    return {
        name: [other for other, need in spec.depends_on.items() if need.required]
        for name, spec in profile.services.items()
    }
