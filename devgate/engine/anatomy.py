"""What one service was told, and by whom. Pure.

A process's environment is one map by the time it starts; where a variable comes from is found again by asking the layers, the
strongest first, which of them says what it has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devgate.model.anatomy import Anatomy, Variable
from devgate.profile.problems import key_path
from devgate.profile.resolved import as_data, as_yaml
from devgate.redact import redact_value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from devgate.profile.loading import Loaded

OWN = "devgate"


def anatomy(
    loaded: Loaded,
    service: str,
    *,
    env: Mapping[str, str],
    inherited: Mapping[str, str],
    overrides: Mapping[str, str],
    cwd: Path,
) -> Anatomy:
    """Everything about one service of a profile.

    Args:
        env: what its process runs with.
        inherited: devgate's own environment.
        overrides: `-e`.
        cwd: files are named as seen from here.
    """
    origins = loaded.origins(cwd)
    part = as_data(loaded.profile, origins, loaded.secrets(), defaults=False).get("services", {}).get(service)
    config = as_yaml({"services": {service: part}}, origins).strip("\n") if part is not None else ""
    profile, secrets = loaded.profile, loaded.secrets()
    spec = profile.services[service]
    variables, from_outside = [], []
    for name, value in sorted(env.items()):
        if overrides.get(name) == value:
            origin = "-e"
        elif spec.env.get(name) == value:
            origin = origins.get(key_path(("services", service, "env", name)), "profile")
        elif inherited.get(name) == value and profile.env.get(name) != value:
            from_outside.append(name)
            continue
        elif profile.env.get(name) == value:
            origin = origins.get(key_path(("env", name)), "profile")
        elif name in _KNOWN or name.startswith("DEVGATE_") or name.endswith("_URL"):
            origin = OWN
        else:
            origin = "env file" if profile.env_file or spec.env_file else OWN
        at = ("services", service, "env", name) if name in spec.env else ("env", name)
        variables.append(Variable(name, redact_value(name, secrets.hidden(at, value)), origin))
    return Anatomy(service, tuple(config.splitlines()), tuple(variables), tuple(from_outside))


_KNOWN = frozenset({"PORT", "PYTHONUNBUFFERED", "FORCE_COLOR"})
