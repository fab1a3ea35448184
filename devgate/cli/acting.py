"""What `start`, `stop`, `restart`, `adopt` and `take-port` have in common: several services, the state reached or the reason."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click

from devgate.cli import words
from devgate.cli.client import check_names, converse, project_option
from devgate.cli.values import DURATION

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from devgate.errors import DevgateError
    from devgate.remote.control import RemoteControl, Verb

DONE: Final[dict[Verb, str]] = {
    "start": "is up",
    "stop": "has stopped",
    "restart": "is back",
    "adopt": "is adopted",
    "take-port": "is up",
}


def options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The arguments of all of them."""
    for decorate in (
        project_option,
        click.option(
            "--timeout", type=DURATION, default=60.0, show_default="60s", help="How long to wait; exit 124 after it."
        ),
        click.option("--no-wait", is_flag=True, help="Ask, and do not wait for the state."),
        click.argument("services", nargs=-1, required=True, metavar="SVC...", shell_complete=words.services),
    ):
        function = decorate(function)
    return function


def dependents_option(text: str) -> Callable[..., Any]:
    """`--with-dependents`, and what it does to them."""
    return click.option("--with-dependents", is_flag=True, help=text)


def act(
    verb: Verb, services: Sequence[str], *, project: str, no_wait: bool, timeout: float, dependents: bool = False
) -> int:
    """Carry out `verb` for all `services` at the same time. Returns 0, or the exit code of the first that failed."""

    async def work(control: RemoteControl) -> int:
        import asyncio

        snapshot = await control.pull()
        check_names(services, [row.name for row in snapshot.services])
        one = partial(_one, control, verb, no_wait=no_wait, timeout_s=timeout, dependents=dependents)
        failures = await asyncio.gather(*map(one, dict.fromkeys(services)))
        return next((failure.exit_code for failure in failures if failure is not None), 0)

    return converse(project, work)


async def _one(
    control: RemoteControl, verb: Verb, name: str, *, no_wait: bool, timeout_s: float, dependents: bool
) -> DevgateError | None:
    """Says what came of it; returns the failure, if any."""
    import asyncio

    from devgate.cli.main import report
    from devgate.errors import CommandError, DevgateError, Exit

    commands: dict[Verb, Callable[[str], Awaitable[None]]] = {
        "start": partial(control.services.start, dependents=dependents),
        "stop": partial(control.services.stop, dependents=dependents),
        "restart": partial(control.services.restart, dependents=dependents),
        "adopt": control.services.adopt,
        "take-port": control.services.take_port,
    }
    try:
        if no_wait:
            await control.services.begin(verb, name, dependents=dependents)
            print(f"{name}: {verb} asked for")
        else:
            async with asyncio.timeout(timeout_s):
                await commands[verb](name)
            print(f"{name} {DONE[verb]}")
    except TimeoutError:
        state = await _state(control, name)
        failure: DevgateError = CommandError(
            f"{name} is {state} after {timeout_s:g} s; devgate goes on with it",
            hint=f"see `devgate logs {name}`, or give it longer with --timeout",
            code="timeout",
            exit_code=Exit.TIMEOUT,
        )
    except DevgateError as error:
        failure = error
    else:
        return None
    report(failure)
    return failure


async def _state(control: RemoteControl, name: str) -> str:
    snapshot = await control.pull()
    row = next((row for row in snapshot.services if row.name == name), None)
    if row is None:
        return "gone"
    waits = f" (waiting for {', '.join(row.waiting_for)})" if row.waiting_for else ""
    return f"still {row.state.value}{waits}"
