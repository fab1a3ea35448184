"""The door: what runs before anything heavy is imported, and what every failure looks like."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from devgate import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devgate.errors import DevgateError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the process's exit code."""
    args = list(sys.argv[1:] if argv is None else argv)
    match args[:1]:
        case ["--version" | "-V"]:
            print(f"devgate {__version__}")
            return 0
        case ["stub"]:  # started many times at once: skips everything that the other verbs need
            from devgate.stub.__main__ import main as stub

            return stub(args[1:])
        case ["__guardian"]:  # the frozen binary as its own guardian
            from devgate.supervisor.guard_process import main as guard

            return guard(args[1:])
    return _run(args)


def _run(args: list[str]) -> int:
    import click

    from devgate.cli.verbs import cli
    from devgate.errors import DevgateError, Exit

    if isinstance(sys.stdout, io.TextIOWrapper):  # a question mark for a sign that this terminal lacks, not a traceback
        sys.stdout.reconfigure(errors="replace")
    try:
        result = cli.main(args=args, prog_name="devgate", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except DevgateError as error:
        report(error)
        return error.exit_code
    except BaseExceptionGroup as group:
        expected = _first_expected(group)
        if expected is None:
            raise
        report(expected)
        return expected.exit_code
    except SystemExit:  # click's own answer to a closed pipe. `devgate logs | head`: the reader has what it wanted
        return 0
    return result if isinstance(result, int) else 0


def report(error: DevgateError) -> None:
    """Say on stderr what happened and what to do."""
    from devgate.escape import visible

    lines = [f"devgate: {visible(error.message)}", *map(str, getattr(error, "problems", ()))]
    if error.hint:
        lines.append(f"  {visible(error.hint)}")
    print("\n".join(lines), file=sys.stderr)


def _first_expected(group: BaseExceptionGroup[BaseException]) -> DevgateError | None:
    """The one expected failure inside a fallen task group; None if a bug is among them."""
    from devgate.errors import DevgateError

    found: DevgateError | None = None
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            inner = _first_expected(error)
            if inner is None:
                return None
            found = found or inner
        elif isinstance(error, DevgateError):
            found = found or error
        else:
            return None
    return found
