"""What can go wrong on purpose: one small tree, one structure, three renderings.

A `DevgateError` is an answer to the user, not a bug: it says what happened, why, and what to do next. The command line prints
it as text, the gateway and the control API as problem+json, the screen as a notice; none of them invents its own wording.
Everything that is not a `DevgateError` is a bug and shows as one. The tree stays at four branches: mitmproxy's
`exceptions.py` records that a grand hierarchy "hasn't paid off in any form".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Exit:
    """Process exit codes, as documented in the README (SUPERVISION.md 1.2)."""

    OK = 0
    SERVICE_FAILED = 1
    USAGE = 2
    GATEWAY_PORT = 3
    SERVICE_BLOCKED = 4
    NOT_RUNNING = 5
    OTHER_RUNNING = 6
    TIMEOUT = 124
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


class DevgateError(Exception):
    """An expected failure.

    Args:
        message: one sentence: what happened and why.
        hint: what to do next; may be empty.
        code: stable slug, e.g. `port-in-use`; part of problem+json and of `--json` output.
        exit_code: what the command line ends with.
        status: HTTP status where the error is the answer to a request.
    """

    code = "error"
    exit_code = Exit.SERVICE_FAILED
    status = 500

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        code: str | None = None,
        exit_code: int | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code
        if exit_code is not None:
            self.exit_code = exit_code
        if status is not None:
            self.status = status


class ProfileError(DevgateError):
    """A profile that cannot be used. `problems` holds every fault found, rendered by `profile.problems`."""

    code = "invalid-profile"
    exit_code = Exit.USAGE
    status = 422

    def __init__(self, message: str, problems: Sequence[object] = (), *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.problems = tuple(problems)


class StartError(DevgateError):
    """devgate or one of its listeners cannot start: a taken port, an unusable folder, a peer that already runs."""

    code = "start-failed"


class CommandError(DevgateError):
    """A request that cannot be carried out: unknown service, wrong state, a plan that is out of date."""

    code = "command-refused"
    status = 409
