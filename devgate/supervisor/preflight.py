"""What would keep services from starting, found by the same code that starts them, without starting any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devgate.supervisor.launch import choose_port, is_stub, prepare
from devgate.supervisor.refusal import CannotStartError

if TYPE_CHECKING:
    from devgate.model.profile import Profile
    from devgate.model.service import ServiceSpec
    from devgate.supervisor.launch import Surroundings


def blocked(profile: Profile, around: Surroundings, *, auto_ports: bool) -> dict[str, CannotStartError]:
    """The services that cannot be started now, each with its reason: a port that is taken, a program, folder or file that is
    missing."""
    found = {}
    for name, spec in profile.services.items():
        if spec.url is None or is_stub(spec, around):
            try:
                for replica in range(spec.replicas):
                    _try(name, replica, spec, profile, around, auto_ports=auto_ports)
            except CannotStartError as refusal:
                found[name] = refusal
    return found


def _try(
    name: str, replica: int, spec: ServiceSpec, profile: Profile, around: Surroundings, *, auto_ports: bool
) -> None:
    stub = is_stub(spec, around)
    port, held = choose_port(spec, replica, stub=stub, replace=auto_ports, before=None, avoid=())
    if held is not None:
        held.close()
    prepare(name, replica, spec, profile=profile, around=around, port=port, stub=stub, gateway_url="", addresses={})
