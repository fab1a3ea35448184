"""What must happen to turn one profile into another: pure, and the same for a switch, a reload and an edit.

`EFFECTS` lists each field once with what its change does. A spec inside a spec (`ready`, `cors`) takes the effect of the field
that holds it. Four things reach over fields: the profile's `env` changes services, an edited env file does, and so do new
addresses that a service was told: of another service (`<NAME>_URL`), and of the gateway (`DEVGATE_URL`).
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

from devgate.model.gateway import GatewaySpec
from devgate.model.plan import Plan, Reason, RouteChanges
from devgate.model.profile import Profile
from devgate.model.route import RouteSpec
from devgate.model.service import ServiceSpec
from devgate.model.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Effect(Enum):
    """What the change of a field does to a running devgate."""

    RESTART = auto()
    """The service has to start again to see it."""
    LIVE = auto()
    """Taken over while everything runs on."""
    TABLE = auto()
    """A new routing table, put in place between two requests."""
    REBIND = auto()
    """Another listening socket."""
    WITHIN = auto()
    """Depends on what changed within."""
    NONE = auto()
    """Nothing to do."""


EFFECTS: Final[Mapping[type[Spec], Mapping[str, Effect]]] = {
    Profile: {
        "version": Effect.NONE,
        "name": Effect.NONE,
        "description": Effect.NONE,
        "env": Effect.RESTART,
        "env_file": Effect.RESTART,
        "env_digests": Effect.RESTART,
        "gateway": Effect.WITHIN,
        "services": Effect.WITHIN,
        "routes": Effect.TABLE,
        "sync": Effect.LIVE,
        "reload": Effect.LIVE,
    },
    GatewaySpec: {
        "host": Effect.REBIND,
        "port": Effect.REBIND,
        "hosts": Effect.LIVE,
        "cors": Effect.LIVE,
        "timeouts": Effect.LIVE,
        "max_body": Effect.LIVE,
        "hold": Effect.LIVE,
        "hold_unmanaged": Effect.LIVE,
        "limits": Effect.LIVE,
        "trusted_proxies": Effect.LIVE,
        "health": Effect.LIVE,
        "routes_hint": Effect.LIVE,
        "debug_headers": Effect.LIVE,
        "cache_memory": Effect.LIVE,
    },
    ServiceSpec: {
        "command": Effect.RESTART,
        "url": Effect.RESTART,  # between two addresses of somebody else's service: live
        "allow_remote": Effect.NONE,
        "stub": Effect.RESTART,
        "missing": Effect.LIVE,
        "cwd": Effect.RESTART,
        "env": Effect.RESTART,
        "env_file": Effect.RESTART,
        "port": Effect.RESTART,
        "tty": Effect.RESTART,
        "kind": Effect.RESTART,
        "autostart": Effect.LIVE,
        "idle_stop": Effect.LIVE,
        "restart": Effect.LIVE,
        "backoff": Effect.LIVE,
        "give_up": Effect.LIVE,
        "success_exit": Effect.LIVE,
        "ready": Effect.LIVE,
        "start_timeout": Effect.LIVE,
        "on_unhealthy": Effect.LIVE,
        "depends_on": Effect.LIVE,
        "stop": Effect.LIVE,
        "watch": Effect.LIVE,
        "replicas": Effect.RESTART,
        "weights": Effect.LIVE,
        "required": Effect.LIVE,
        "log": Effect.LIVE,
        "breaker": Effect.LIVE,
        "timeout": Effect.LIVE,
        "sync": Effect.LIVE,
    },
    RouteSpec: dict.fromkeys(RouteSpec.model_fields, Effect.TABLE),
}

_NOT_FOR_STUBS: Final = frozenset({"command", "cwd", "env", "env_file", "depends_on", "tty"})
"""What a stand-in does not look at."""
_GATEWAY_MOVED: Final = "gateway.port"
"""Key of what a service does not know that was told another `DEVGATE_URL`."""


def diff(old: Profile | None, new: Profile, *, source: str, switch: bool) -> Plan:
    """The plan that leads from `old` (none: nothing runs) to `new`.

    Args:
        source: what finds `new` again.
        switch: somebody asked for another profile, so restarts happen now; else `new.reload.restart` decides whether changed
            services restart or are stale until somebody asks.
    """
    before = old if old is not None else Profile()
    keep: list[str] = []
    waiting: list[Reason] = []
    adopt: list[Reason] = []
    for name, spec in new.services.items():
        if name not in before.services:
            continue
        needs, live = _service_changes(before, new, before.services[name], spec)
        if needs:
            waiting.append(Reason(name, needs))
        elif live:
            adopt.append(Reason(name, live))
        else:
            keep.append(name)
    now = switch or new.reload.restart == "auto"
    # That the gateway has moved alone restarts nobody: most services never ask where it is.
    restart = [reason for reason in waiting if now and reason.keys != (_GATEWAY_MOVED,)]
    return Plan(
        source=source,
        name=new.name,
        old=old.digest if old is not None else "",
        new=new.digest,
        keep=tuple(keep),
        stop=tuple(name for name in before.services if name not in new.services),
        restart=tuple(restart),
        start=tuple(name for name in new.services if name not in before.services),
        adopt=tuple(adopt),
        stale=tuple(reason for reason in waiting if reason not in restart),
        routes=route_changes(before.routes, new.routes),
        gateway=_live_keys(before, new) if old is not None else (),
        rebind=_rebind(before.gateway, new.gateway) if old is not None else (),
        noted=_noted_keys(before, new) if old is not None else (),
    )


def unseen(old: Profile, new: Profile, name: str) -> tuple[str, ...]:
    """The keys in which service `name` of `new` differs from that of `old`, and which only a new process sees."""
    before, after = old.services.get(name), new.services.get(name)
    return _service_changes(old, new, before, after)[0] if before is not None and after is not None else ()


def changed_fields(old: Spec, new: Spec) -> list[str]:
    """The fields in which two specs of one type differ."""
    return [field for field in type(new).model_fields if getattr(old, field) != getattr(new, field)]


def changed_keys(old: Spec, new: Spec) -> tuple[str, ...]:
    """The fields in which two specs of one type differ, one level into maps and specs: `ready.http`, `env.PORT`."""
    found: list[str] = []
    for field in changed_fields(old, new):
        before, after = getattr(old, field), getattr(new, field)
        if type(before) is type(after) and isinstance(before, Spec):
            found += [f"{field}.{key.partition('.')[0]}" for key in changed_keys(before, after)]
        elif isinstance(before, dict) and isinstance(after, dict):
            found += [f"{field}.{key}" for key in _differing(before, after)]
        else:
            found.append(field)
    return tuple(dict.fromkeys(found))


def route_changes(old: Sequence[RouteSpec], new: Sequence[RouteSpec]) -> RouteChanges:
    """Routes that came, went and changed, by their ids.

    A route that only got another name has changed. Their order is not looked at: it decides between two routes only where
    nothing else does.
    """
    was, now = {route.id: route for route in old}, {route.id: route for route in new}
    renamed = _renamed(
        [route for key, route in was.items() if key not in now], [r for k, r in now.items() if k not in was]
    )
    changed = [key for key, route in now.items() if key in was and route != was[key]]
    return RouteChanges(
        added=tuple(key for key in now if key not in was and key not in renamed),
        removed=tuple(key for key in was if key not in now and key not in renamed.values()),
        changed=tuple(key for key in now if key in renamed or key in changed),
    )


def _service_changes(
    old: Profile, new: Profile, before: ServiceSpec, after: ServiceSpec
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keys whose change needs a restart, and keys that can be taken live."""
    external = before.url is not None and after.url is not None
    effects = {key: EFFECTS[ServiceSpec][key.partition(".")[0]] for key in changed_keys(before, after)}
    if not external:
        effects |= dict.fromkeys(_from_outside(old, new, before, after), Effect.RESTART)
    needs: list[str] = []
    live: list[str] = []
    for key, effect in effects.items():
        if effect is Effect.NONE:
            continue
        ignored = external or (before.stands_in and after.stands_in and key.partition(".")[0] in _NOT_FOR_STUBS)
        (needs if effect is Effect.RESTART and not ignored else live).append(key)
    return tuple(needs), tuple(live)


def _from_outside(old: Profile, new: Profile, before: ServiceSpec, after: ServiceSpec) -> list[str]:
    """What changes a service without standing in it."""
    keys = [f"env.{name}" for name in _differing({**old.env, **before.env}, {**new.env, **after.env})]
    keys += _in_env_files(old, new, before, after)
    for name in after.depends_on:
        there, here = old.services.get(name), new.services.get(name)
        if there is not None and here is not None and (there.port, there.url) != (here.port, here.url):
            keys.append(f"depends_on.{name}.address")
    if _rebind(old.gateway, new.gateway) and not (before.stands_in and after.stands_in):
        keys.append(_GATEWAY_MOVED)
    return keys


def _in_env_files(old: Profile, new: Profile, before: ServiceSpec, after: ServiceSpec) -> list[str]:
    """The variables that come out otherwise, by name; the files themselves where that is all that can be told."""
    was, now = [*old.env_file, *before.env_file], [*new.env_file, *after.env_file]
    read = [old.env_digests.get(file) for file in was], [new.env_digests.get(file) for file in now]
    then, today = ({name: digest for file in files for name, digest in (file or {}).items()} for files in read)
    names = _differing(then, today)
    if names:  # but for what the service sets itself, which no file reaches
        return [f"env_file.{name}" for name in names if name not in before.env or name not in after.env]
    return (
        ["env_file"] if was != now or [file is None for file in read[0]] != [file is None for file in read[1]] else []
    )


def _live_keys(old: Profile, new: Profile) -> tuple[str, ...]:
    gateway = changed_fields(old.gateway, new.gateway)
    keys = [key for key in gateway if EFFECTS[GatewaySpec][key] is Effect.LIVE]
    keys += [key for key in changed_fields(old, new) if EFFECTS[Profile][key] is Effect.LIVE]
    return tuple(keys)


def _noted_keys(old: Profile, new: Profile) -> tuple[str, ...]:
    """What a digest tells apart and nothing else of a plan names."""
    keys = [key for key in changed_fields(old, new) if EFFECTS[Profile][key] is Effect.NONE]
    for name, spec in new.services.items():
        before = old.services.get(name)
        fields = changed_fields(before, spec) if before is not None else []
        keys += [f"services.{name}.{field}" for field in fields if EFFECTS[ServiceSpec][field] is Effect.NONE]
    if old.routes != new.routes and route_changes(old.routes, new.routes) == RouteChanges():
        keys.append("routes: order")
    return tuple(keys)


def _rebind(old: GatewaySpec, new: GatewaySpec) -> tuple[str, ...]:
    was, now = f"{old.host}:{old.port}", f"{new.host}:{new.port}"
    return (f"{was} -> {now}",) if was != now else ()


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Keys that only one has, or that differ; an absent key is not the same as one that is None."""
    missing = object()
    return [key for key in {**old, **new} if old.get(key, missing) != new.get(key, missing)]


def _renamed(gone: Sequence[RouteSpec], came: Sequence[RouteSpec]) -> dict[str, str]:
    """New id to old id of routes that match the same requests under another name."""

    def matched(route: RouteSpec) -> tuple[Any, ...]:
        return (route.path, route.methods, route.hosts, tuple(sorted(route.headers.items())))

    before = {matched(route): route.id for route in gone}
    return {route.id: before[matched(route)] for route in came if matched(route) in before}
