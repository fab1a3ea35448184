"""What `devgate doctor` looks at, each thing a function that returns what it found. Nothing is started, ended or written."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from devgate import __version__, runfile
from devgate.policy.addresses import Reach, reach_of_host
from devgate.profile.loading import try_load
from devgate.supervisor import kinship, ports, preflight
from devgate.supervisor.launch import Surroundings, is_stub

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from devgate.model.profile import Profile
    from devgate.profile.loading import Loaded
    from devgate.runfile import RunFile

FILES: Final = 1024
"""Open files that nine services behind a gateway with keep-alive can well need."""
WATCHES: Final = 8192
"""Folders that may be watched for changes, of all programs of this user together."""
SCREEN: Final = (60, 15)
CONNECT_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    """The thing looked at, in a word."""
    verdict: Literal["good", "warning", "bad"]
    """`bad`: `devgate up` would not do what it is asked to."""
    text: str
    hint: str = ""


def examine(ref: str | None, project: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Everything, in the order in which a start depends on it."""
    yield python()
    yield from terminal(environ)
    yield from system(environ)
    yield from state(project)
    yield from leftovers()
    attempt = try_load(ref, cwd=project, environ=environ, expose=True)
    if attempt.loaded is None:
        assert attempt.error is not None
        problems = [_first_line(problem) for problem in attempt.error.problems]
        text = attempt.error.message + (f": {problems[0]}" if problems else "")
        yield Finding("profile", "bad", text, attempt.error.hint or "`devgate check` shows every problem")
        return
    yield from profile(attempt.loaded)
    run = runfile.find(attempt.loaded.folder)
    yield gateway(attempt.loaded, run)
    yield from pages(attempt.loaded.profile.gateway.cors.origins)
    yield from quotas(attempt.loaded.profile)
    yield from services(attempt.loaded, environ, run)


def python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", "good", f"{version}, devgate {__version__}, {sys.platform}")


def terminal(environ: Mapping[str, str]) -> Iterator[Finding]:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield Finding("terminal", "good", "none: `devgate up` prints plain lines, and asks nothing")
        return
    kind, (columns, lines) = environ.get("TERM", ""), shutil.get_terminal_size()
    encoding = sys.stdout.encoding or ""
    if kind in ("", "dumb"):
        yield Finding("terminal", "warning", f"TERM is {kind or 'not set'}: the screen may not come", "use --no-tui")
    elif not encoding.lower().replace("-", "").startswith("utf"):
        yield Finding(
            "terminal", "warning", f"its encoding is {encoding}: drawn with ASCII", "set LANG to one of UTF-8"
        )
    elif columns < SCREEN[0] or lines < SCREEN[1]:
        yield Finding(
            "terminal", "warning", f"{columns}x{lines}; the screen needs {SCREEN[0]}x{SCREEN[1]}", "make it larger"
        )
    else:
        colour = ", no colours: NO_COLOR is set" if environ.get("NO_COLOR") else ""
        yield Finding("terminal", "good", f"{kind}, {columns}x{lines}, {encoding}{colour}")


def system(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Limits that a long day meets, and variables that lead requests away."""
    if sys.platform != "win32":
        import resource

        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if files < FILES:
            yield Finding("limits", "warning", f"{files} open files at most", f"ulimit -n {FILES}, or more")
        else:
            yield Finding("limits", "good", f"{files} open files")
    watches = _number("/proc/sys/fs/inotify/max_user_watches")
    if watches is not None and watches < WATCHES:
        hint = f"sysctl fs.inotify.max_user_watches={WATCHES * 8}"
        yield Finding("limits", "warning", f"{watches} watched folders at most: `watch` may miss changes", hint)
    proxy = next((name for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY") if environ.get(name)), None)
    direct = f"{environ.get('no_proxy', '')},{environ.get('NO_PROXY', '')}"
    if proxy is not None and "127.0.0.1" not in direct and "*" not in direct.split(","):
        text = f"{proxy} is set: what asks the gateway may go through that proxy, and so may services among themselves"
        yield Finding("environment", "warning", text, "no_proxy=127.0.0.1,localhost")
    if chosen := environ.get("DEVGATE_PROFILE"):
        yield Finding("environment", "good", f"DEVGATE_PROFILE chooses {chosen}")


def _number(path: str) -> int | None:
    try:
        with open(path) as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def state(project: Path) -> Iterator[Finding]:
    """The devgate that runs here, or the traces of one."""
    found = runfile.search(project)
    unusable = runfile.exposed(project) if found is None or not found[1].alive else None
    if unusable is not None:
        yield Finding("devgate", "bad", unusable.message, unusable.hint)
        return
    if found is None:
        folder = project / runfile.FOLDER
        if folder.is_symlink() or not os.access(folder if folder.is_dir() else project, os.W_OK | os.X_OK):
            yield Finding("folder", "bad", f"{folder} cannot be used", "devgate has to write there; see --project")
        return
    run = found[1]
    if run.alive:
        yield Finding("devgate", "good", f"runs here: {run.url}, pid {run.pid}, profile {run.profile}")
    else:
        text = f"the last one here, pid {run.pid}, ended without clearing up"
        yield Finding("devgate", "warning", text, "`devgate prune` clears up; so does `devgate up`")


def leftovers() -> Iterator[Finding]:
    if not os.path.exists("/proc/self/environ"):  # nobody else than Linux shows whose a process is
        return
    found = kinship.leftovers()
    for left in found.values():
        names = ", ".join(f"pid {process.pid} ({kin.service})" for process, kin in left.items())
        pid = next(iter(left.values())).devgate
        yield Finding("leftovers", "warning", f"of a devgate that is gone (pid {pid}): {names}", "`devgate prune`")
    if not found:
        yield Finding("leftovers", "good", "none of any devgate")


def profile(loaded: Loaded) -> Iterator[Finding]:
    services, routes = len(loaded.profile.services), len(loaded.profile.routes)
    counts = f"{services} service{'s' * (services != 1)}, {routes} route{'s' * (routes != 1)}"
    which = f"{loaded.ref}, as there is no devgate.yaml here" if loaded.is_fallback else loaded.ref
    yield Finding("profile", "good", f"{which}: {counts}", "`devgate init` writes one" if loaded.is_fallback else "")
    for problem in loaded.warnings:
        yield Finding("profile", "warning", _first_line(problem), "`devgate check` shows it in its place")


def _first_line(problem: object) -> str:
    return str(problem).partition("\n")[0]


def gateway(loaded: Loaded, run: RunFile | None) -> Finding:
    spec = loaded.profile.gateway
    where = f"port {spec.port}"
    if spec.port == 0:
        return Finding("gateway", "good", "takes a free port")
    owner = ports.owner(spec.port) if ports.taken(spec.port) else None
    if owner is None:
        return Finding("gateway", "good", f"{where} is free")
    if run is not None and owner.pid == run.pid:
        return Finding("gateway", "good", f"{where} is held by the devgate that runs here")
    return _taken("gateway", spec.port, owner, "--port 0")


def pages(origins: Sequence[str]) -> Iterator[Finding]:
    """Origins whose pages a browser does not let at this machine just like that (Local Network Access)."""
    web = [urlsplit(origin) for origin in origins if origin.startswith(("http://", "https://"))]
    asked = [parts.geturl() for parts in web if reach_of_host(parts.hostname or "") is not Reach.LOOPBACK]
    if "*" in origins:
        asked.append("pages from elsewhere")
    if asked:
        text = f"Chrome asks the user before {', '.join(asked)} may talk to this machine"
        yield Finding("pages", "good", text, "since version 142; no header answers for him")


def quotas(profile: Profile) -> Iterator[Finding]:
    """Limits that mean something else here than where many clients come from many addresses."""
    spec = profile.gateway
    rules = [*spec.limits.rules, *(rule for route in profile.routes for rule in route.limits)]
    names = dict.fromkeys(rule.title for rule in rules if rule.by in ("ip", "user"))
    if names and not spec.trusted_proxies and reach_of_host(spec.host) is Reach.LOOPBACK:
        text = f"{', '.join(names)}: all that comes from this machine counts as one client"
        yield Finding("quotas", "good", text, "`gateway.limits.mode: report` tells of a limit without refusing")


def _taken(what: str, port: int, owner: ports.Owner, other: str) -> Finding:
    """A port in somebody else's hands; `other` makes a start give way."""
    kin = kinship.kin_of(owner.pid) if owner.pid is not None else None
    text = f"port {port} is taken by {owner}" + (f", {kin}" if kin is not None else "")
    if kin is not None and not kin.alive:
        return Finding(what, "warning", text, "`devgate up` ends it, and so does `devgate prune`")
    return Finding(what, "bad", text, f"`devgate up` ends it with --take-port, and gives way with {other}")


def services(loaded: Loaded, environ: Mapping[str, str], run: RunFile | None) -> Iterator[Finding]:
    """Whether each could be started, or runs already."""
    around = Surroundings(loaded.folder, environ, {}, "", all_stubs=False)
    refused = preflight.blocked(loaded.profile, around, auto_ports=False)
    for name, spec in loaded.profile.services.items():
        refusal = refused.get(name)
        if refusal is None:
            if spec.url is not None:
                yield _reachable(name, spec.url)
            elif is_stub(spec, around):
                why = "" if spec.stands_in else ": its command is not on this machine"
                yield Finding(name, "good", f"runs as a stand-in{why}")
            else:
                yield Finding(name, "good", f"can be started, port {spec.port}" if spec.port else "can be started")
        elif refusal.code == "port-in-use" and isinstance(spec.port, int):
            yield _port(name, spec.port, spec.replicas, run)
        else:
            yield Finding(name, "bad" if spec.autostart is True else "warning", refusal.message, refusal.hint)


def _port(name: str, first: int, replicas: int, run: RunFile | None) -> Finding:
    for port in range(first, first + replicas):
        owner = ports.owner(port)
        if owner is None:
            continue
        kin = kinship.kin_of(owner.pid) if owner.pid is not None else None
        if run is None or kin is None or kin.mark != run.mark or kin.service != name:
            return _taken(name, port, owner, "--auto-ports")
    return Finding(name, "good", f"runs on port {first}")


def _reachable(name: str, url: str) -> Finding:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), CONNECT_S).close()
    except OSError as error:
        return Finding(
            name, "warning", f"{url}: {error.strerror or error}", "it is run by somebody else: start it there"
        )
    return Finding(name, "good", f"{url} is there")
