"""A service, as a profile describes it: what runs, when it is ready, how it ends, and what it is to the gateway."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from devgate.model.spec import Spec
from devgate.model.text import Environment, Texts
from devgate.model.timeouts import OwnTimeouts
from devgate.model.units import Duration, Expected, Size, one_or_many


def _needs(value: Any) -> Any:
    """`depends_on: [a, b]`."""
    is_short = isinstance(value, list | tuple) and all(isinstance(name, str) for name in value)
    return {name: {} for name in value} if is_short else value


def _watched(value: Any) -> Any:
    """`watch: [src]` or `watch: src`."""
    return {"paths": one_or_many(value)} if isinstance(value, str | list | tuple) else value


ServiceName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"),
    Expected("a name of letters, digits, dots, dashes and underscores, at most 63 of them"),
]
Port = Annotated[int, Field(ge=1, le=65535), Expected("a port from 1 to 65535")]


class BackoffSpec(Spec):
    """Pauses between attempts to start: `first`, growing by `factor`, never above `max`."""

    first: Duration = 0.5
    """The first pause."""
    factor: Annotated[float, Field(ge=1)] = 2.0
    """How much longer each further one is."""
    max: Duration = 15.0
    """The longest."""
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of the pause by which it varies."""
    reset_after: Duration = 10.0
    """Continuously ready for this long: the next failure counts as the first."""


class GiveUpSpec(Spec):
    """So many failures within so long a time latch the service as `crashed`."""

    failures: Annotated[int, Field(ge=1)] = 5
    """Failures that are enough."""
    window: Duration = 60.0
    """The time within which they count."""


class ProbeSpec(Spec):
    """How a service shows that it is ready, and later that it still is. At most one kind; none: a TCP connect to `port`,
    or, without a port, being alive for a second."""

    http: str | None = None
    """Path (or whole URL) that must answer 200 to 399."""
    tcp: Port | bool | None = None
    """Port that must accept a connection; `true` means `port`."""
    exec: str | tuple[str, ...] | None = None
    """Command that must end with 0; run like `command`."""
    log: str | None = None
    """Regular expression that must be found in a line of the output of this run; at most 200 characters, and no endless
    repetition inside another, which could take for ever."""
    interval: Duration = 5.0
    """Between two probes once ready."""
    start_interval: Duration = 0.5
    """Between two probes until ready."""
    timeout: Duration = 1.0
    """How long one probe may take."""
    success: Annotated[int, Field(ge=1)] = 1
    """Good probes in a row until ready."""
    failures: Annotated[int, Field(ge=1)] = 3
    """Bad probes in a row until unhealthy."""
    degraded_over: Duration = 1.0
    """A good answer slower than this makes the service degraded."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [kind for kind in ("http", "tcp", "exec", "log") if getattr(self, kind) not in (None, False)]
        if len(kinds) > 1:
            raise ValueError(f"choose one of {', '.join(kinds)}")
        return self


class DependencySpec(Spec):
    """What one service needs of another."""

    condition: Literal["started", "ready", "completed"] = "ready"
    """What to wait for: that it runs, that it is ready, or, of a task, that it has ended well."""
    restart: bool = False
    """Restart this service, too, when the dependency restarts."""
    required: bool = True
    """Whether this service waits for ever (true) or starts anyway when the dependency has failed."""


class StopSpec(Spec):
    """How a service ends: withdrawn from the gateway, drained, asked, then killed with its whole process group."""

    drain: Duration = 5.0
    """How long requests in flight may take to finish."""
    signal: Literal["TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "KILL"] = "TERM"
    """What asks it to end."""
    grace: Duration = 5.0
    """From the signal to KILL."""
    command: str | tuple[str, ...] | None = None
    """Run instead of sending the signal."""


class WatchSpec(Spec):
    """Restart when files change."""

    paths: Texts
    """Files and folders, relative to `cwd`; absolute in a loaded profile."""
    include: Texts = ()
    """Only files that match one of these patterns (as in .gitignore)."""
    exclude: Texts = ()
    """Not files that match one of these patterns, on top of the usual ones and of .gitignore."""
    debounce: Duration = 0.3
    """How long files must have been quiet."""


class LogSpec(Spec):
    """How much of a service's output is kept."""

    lines: Annotated[int, Field(ge=1)] = 5_000
    """Lines in memory."""
    memory: Size = 2 * 2**20
    """Bytes in memory."""
    file_size: Size = 10 * 10**6
    """Size at which the log file is rotated."""
    files: Annotated[int, Field(ge=1)] = 3
    """Rotated files kept."""


class BreakerSpec(Spec):
    """When requests to a failing service are refused at once (SEMANTICS 3.1)."""

    enabled: bool = True
    """Off: requests are passed on whatever happened before."""
    mode: Literal["consecutive", "rate"] = "consecutive"
    """What opens it: `failures` in a row, or a `ratio` of failures among the calls within `window`. The second notices a service
    that fails now and then, and wants traffic to do so."""
    failures: Annotated[int, Field(ge=1)] = 5
    """Consecutive failures that open it; in either mode also those after which one of several replicas is left out for a
    while."""
    window: Annotated[Duration, Field(gt=0)] = 10.0
    """With `mode: rate`: the time that it looks back on."""
    min_calls: Annotated[int, Field(ge=1)] = 20
    """With `mode: rate`: it stays closed where there were fewer calls within `window`. A 4xx is none: it says nothing about the
    service's health."""
    ratio: Annotated[float, Field(gt=0, le=1), Expected("a share above 0 and up to 1, such as 0.5")] = 0.5
    """With `mode: rate`: the share of failures that opens it; 0.5 is half of the calls."""
    open: Duration = 10.0
    """How long it stays open at first; repeated openings double this, up to five times."""
    success: Annotated[int, Field(ge=1)] = 2
    """Good probes in a row that close it again."""
    half_open_max: Annotated[int, Field(ge=1)] = 1
    """Probes in flight at once while half open."""
    decay: Duration | None = None
    """With `mode: consecutive`: one failure is forgotten after this long without another; default: `open`."""
    statuses: tuple[int, ...] = (500, 502, 503, 504)
    """Response statuses that count as failures."""


class CannedResponse(Spec):
    """What a stub answers to one kind of request."""

    path: str
    """Exact, `{param}` for one segment, or ending in `/*`."""
    method: str | None = None
    """Method that is answered; default: every one. `GET` includes `HEAD`."""
    status: Annotated[int, Field(ge=200, le=599)] = 200
    """Status of the answer."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Headers of the answer."""
    body: Any = None
    """A string is sent as text, anything else as JSON."""
    latency: Duration = 0.0
    """How long the answer waits, on top of `latency` of the stand-in."""


class StubSpec(Spec):
    """How the stand-in for a service behaves."""

    responses: tuple[CannedResponse, ...] = ()
    """Answers given in advance; any other request is answered with an echo of itself."""
    version: str = "1.0.0"
    """Its shared-knowledge version."""
    ready_after: Duration = 0.0
    """How long after its start it says that it is not ready."""
    latency: Duration = 0.0
    """How long every answer waits."""
    fail: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of requests answered with `fail_status`."""
    fail_status: Annotated[int, Field(ge=400, le=599)] = 503
    """Status of the answers that fail."""
    crash_after: Duration | None = None
    """Ends with exit code 1 after this long."""


class ServiceSyncSpec(Spec):
    """How a service's shared-knowledge version is read and compared (SEMANTICS 3.11)."""

    path: str = "/api/shared-knowledge/status"
    """Asked first; then the http path of `ready`."""
    compare: Literal["exact", "minor", "major"] = "exact"
    """Which part of the version has to be equal."""


class ServiceSpec(Spec):
    """One service: a process that devgate runs, an address that it watches, or a stand-in."""

    command: str | tuple[str, ...] | None = None
    """How to start it. Text goes to the shell, a list is run as it is."""
    url: str | None = None
    """Address of a service that somebody else runs: watched, never started."""
    allow_remote: bool = False
    """Whether `url` may lead out of this machine and its private networks. Link-local addresses, where clouds keep their
    credentials, are refused even then."""
    stub: bool | StubSpec = False
    """Run the built-in stand-in instead of `command`. Settings beside `missing: stub` and a command only say how the stand-in
    behaves when it is brought in."""
    missing: Literal["block", "stub"] = "block"
    """What happens when the command is not on this machine."""
    cwd: str = "."
    """Working folder, relative to the profile file; absolute in a loaded profile."""
    env: Environment = Field(default_factory=dict)
    """Environment; `null` removes a variable."""
    env_file: Texts = ()
    """Files of `NAME=value` lines, read again at every start; relative to the profile file, absolute in a loaded profile."""
    port: Port | Literal["auto"] | None = None
    """Port it listens on, given to it as `PORT`; `auto` picks a free one."""
    tty: bool = False
    """Give it a terminal instead of pipes, for a program that wants one or that one types into. Its stdout and stderr are one
    stream then. Not on Windows."""
    kind: Literal["service", "task"] = "service"
    """A task must end with 0 and is then `completed`."""
    autostart: bool | Literal["on_request"] = True
    """`on_request`: started by the first request for it."""
    idle_stop: Duration | None = None
    """With `autostart: on_request`: stop after this long without a request."""
    restart: Literal["no", "on-failure", "always"] = "on-failure"
    """Whether it is started again after it has ended by itself."""
    backoff: BackoffSpec = Field(default_factory=BackoffSpec)
    """Pauses between attempts to start it."""
    give_up: GiveUpSpec = Field(default_factory=GiveUpSpec)
    """When not to try again."""
    success_exit: Annotated[tuple[int, ...], BeforeValidator(one_or_many, json_schema_input_type=int | list[int])] = (
        0,
    )
    """Exit codes that are no failure."""
    ready: ProbeSpec = Field(default_factory=ProbeSpec)
    """How it shows that it is ready, and later that it still is."""
    start_timeout: Duration = 60.0
    """Still not ready after this long: `slow`. It is not killed."""
    on_unhealthy: Literal["mark", "restart"] = "mark"
    """What happens when it stops answering: it is marked, or restarted."""
    depends_on: Annotated[
        dict[str, DependencySpec],
        BeforeValidator(_needs, json_schema_input_type=dict[str, DependencySpec] | list[str]),
    ] = Field(default_factory=dict)
    """Services that must be ready before; a list of names is the short form."""
    stop: StopSpec = Field(default_factory=StopSpec)
    """How it is stopped."""
    watch: Annotated[
        WatchSpec | None, BeforeValidator(_watched, json_schema_input_type=WatchSpec | list[str] | str | None)
    ] = None
    """Files whose change restarts it; a list of paths is the short form."""
    replicas: Annotated[int, Field(ge=1, le=32)] = 1
    """Instances, on `port`, `port + 1` ... and so on."""
    weights: tuple[Annotated[int, Field(ge=0, le=1000)], ...] = ()
    """Shares of the replicas in the requests, in their order; default: equal. One with 0 is used where there is no other."""
    required: bool = True
    """Whether the whole is unhealthy without it; otherwise only degraded."""
    log: LogSpec = Field(default_factory=LogSpec)
    """How much of its output is kept."""
    breaker: BreakerSpec = Field(default_factory=BreakerSpec)
    """When requests to it are refused at once because it fails."""
    timeout: OwnTimeouts = None
    """How long the phases of a request to it may take, where the route does not say so; a duration alone is until the response
    head."""
    sync: bool | ServiceSyncSpec | None = None
    """Whether its shared-knowledge version is checked, and how."""

    @property
    def stub_spec(self) -> StubSpec:
        """The stand-in's settings, whatever brings it in."""
        return self.stub if isinstance(self.stub, StubSpec) else StubSpec()

    @property
    def stands_in(self) -> bool:
        """Whether the stand-in runs in any case, not only where the command is missing."""
        if isinstance(self.stub, StubSpec):
            return self.url is None and (self.command is None or self.missing == "block")
        return self.stub
