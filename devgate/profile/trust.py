"""Whether somebody has agreed to what a profile runs (SEMANTICS 4, threat 8).

A profile from a cloned repository runs commands; the first time, devgate says which, and asks. Agreement is kept by a hash of
exactly what was shown: the commands with their folders and variables, the addresses that requests go to, what of the environment
is written into requests and answers, which pages may ask, and where the gateway listens. So a changed command asks again, and a
changed route does not. What an `.env` holds is not part of it: who trusts a command trusts the programs in its folder, and they
can read more than that. Shipped profiles are trusted.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from devgate.policy.addresses import Reach, is_loopback, reach_of_host
from devgate.profile.nodes import Text, leaves
from devgate.profile.problems import key_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from devgate.model.gateway import GatewaySpec
    from devgate.model.service import ServiceSpec
    from devgate.profile.loading import Loaded

_FOLDER: Final = "trust"
_TOLD: Final = re.compile(r"routes\[|services\..+?\.stub\.")


@dataclass(frozen=True, slots=True)
class TrustRequest:
    """What to show and ask."""

    path: Path
    """The profile's file."""
    lines: tuple[str, ...]
    """What it would do, a line each; not escaped. Nothing written in the file is masked: what is hidden cannot be agreed to. A
    value from the environment is not shown, only where it comes from."""
    digest: str
    """What agreement is kept by."""


class Trust:
    """What this user has agreed to run.

    Args:
        state: the user's state folder, see `state_folder`.
        always: agree to everything (`--trust`), and note it.
    """

    def __init__(self, state: Path, *, always: bool = False) -> None:
        self._state = state
        self._always = always

    def unapproved(self, loaded: Loaded, running: Loaded) -> tuple[str, ...]:
        """What `loaded` would do that nobody has agreed to, a line each; empty if nobody has to be asked.

        What `running` does already is left out, unless that is all: then something was taken away, and that can matter, too.
        """
        request = None if self._always else needs_trust(loaded, self._state)
        if request is None:
            return ()
        known = set(_deeds(running))
        return tuple(line for line in request.lines if line not in known) or request.lines

    def allows(self, loaded: Loaded) -> bool:
        """Whether nobody has to be asked."""
        if self._always:
            self.agree(loaded)
        return needs_trust(loaded, self._state) is None

    def agree(self, loaded: Loaded) -> None:
        """Somebody who saw what it does wants it to run."""
        request = needs_trust(loaded, self._state)
        if request is not None:
            remember(request, self._state)


def needs_trust(loaded: Loaded, state: Path) -> TrustRequest | None:
    """What has to be asked before this profile may run; None if nothing has.

    Args:
        state: the user's state folder, see `state_folder`.
    """
    lines = tuple(_deeds(loaded))
    digest = hashlib.sha256(json.dumps(lines).encode()).hexdigest()
    if loaded.bundled or not lines or _is_noted(state / _FOLDER / digest):
        return None
    return TrustRequest(loaded.path, lines, digest)


def remember(request: TrustRequest, state: Path) -> None:
    """Note that somebody agreed. The note holds the profile's path, for people who look at it."""
    folder = state / _FOLDER
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    with open(os.open(folder / request.digest, flags, 0o600), "w", encoding="utf-8", errors="surrogateescape") as note:
        note.write(f"{request.path}\n")


def state_folder() -> Path:
    """The user's own folder for what devgate remembers beyond a project."""
    from platformdirs import user_state_path

    return user_state_path("devgate", appauthor=False)


def _is_noted(note: Path) -> bool:
    """Whether the note is there and is ours: somebody else's file is no agreement."""
    try:
        found = note.lstat()
    except OSError:
        return False
    return not hasattr(os, "getuid") or found.st_uid == os.getuid()


def _deeds(loaded: Loaded) -> Iterator[str]:
    """Everything a profile does beyond passing requests between what it starts."""
    profile = loaded.profile
    given = {
        key_path(path): node.origin for path, node in leaves(loaded.root) if isinstance(node, Text) and node.origin
    }
    for name, service in profile.services.items():
        deeds = list(_service_deeds(service, given.get(f"services.{name}.url", "")))
        yield from (f"{name} {deed}" for deed in deeds)
        if not deeds or service.url is not None:
            continue
        for prefix, env in (("env", profile.env), (f"services.{name}.env", service.env)):
            for key, value in env.items():
                origin = given.get(f"{prefix}.{key}")
                shown = f"from {origin}" if origin else "unset" if value is None else f"= {value}"
                yield f"{name} with {key} {shown}"
        yield from (f"{name} with {file}" for file in (*profile.env_file, *service.env_file))
    # What becomes part of a request or an answer: whoever asks can read it, or the service that is asked.
    yield from (f"{path} tells {origin}" for path, origin in given.items() if _TOLD.match(path))
    yield from _admitted(profile.gateway)
    if not is_loopback(profile.gateway.host):
        yield f"the gateway listens on {profile.gateway.host}"


def _admitted(gateway: GatewaySpec) -> Iterator[str]:
    """Pages of elsewhere that are let in, by their origin or by the name they have the gateway called."""
    for origin in gateway.cors.origins:
        if origin == "*":
            yield "pages of every site may read answers"
        elif reach_of_host(urlsplit(origin).hostname or "") is not Reach.LOOPBACK:
            yield f"pages of {origin} may read answers"
    for host in gateway.hosts:
        if reach_of_host(urlsplit(f"//{host}").hostname or "") is not Reach.LOOPBACK:
            yield f"the gateway may be called {host}"


def _service_deeds(service: ServiceSpec, url_origin: str) -> Iterator[str]:
    commands = {
        "runs": None if service.stands_in else service.command,
        "probes with": service.ready.exec,
        "stops with": service.stop.command,
    }
    for kind, command in commands.items():
        if command is not None:
            text = command if isinstance(command, str) else json.dumps(list(command))
            yield f"{kind} {text}  (in {service.cwd})"
    if service.url is not None:
        yield f"is at {service.url}" + (f"  (from {url_origin})" if url_origin else "")
    if "://" in (service.ready.http or ""):
        yield f"is asked at {service.ready.http}"
