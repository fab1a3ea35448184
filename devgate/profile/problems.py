"""What is wrong with a profile, where, and what to do: one value, one text, one JSON form.

Escaping and redacting are imported where something is shown: a start without problems need not pay for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from devgate.errors import ProfileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devgate.profile.source import Place

_LINE_WIDTH = 100
"""Cells of the source line that are shown; a longer one is cut around the fault."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault. Its texts may hold foreign characters, which the renderings escape; values in `message` and `hint` have been
    redacted by whoever knew their key."""

    message: str
    """What is wrong, without a full stop."""
    file: str = ""
    """Absolute path; empty if no file is to blame."""
    line: int = 0
    """From 1; 0: the whole file."""
    column: int = 0
    """From 1, in characters."""
    width: int = 1
    """Characters that the fault spans on its line."""
    path: str = ""
    """Key path, as in `services.api.port`."""
    hint: str = ""
    """What to do about it; may be empty."""
    severity: Literal["error", "warning"] = "error"
    source: str = ""
    """The line itself, as it stands in the file."""

    def __str__(self) -> str:
        return render(self, Path.cwd())


def problem_at(
    place: Place,
    message: str,
    *,
    hint: str = "",
    path: Sequence[str | int] = (),
    severity: Literal["error", "warning"] = "error",
) -> Problem:
    """A problem at a place in a file."""
    return Problem(
        message=message,
        file=str(place.file.path),
        line=place.line,
        column=place.column,
        width=place.width,
        path=key_path(path),
        hint=hint,
        severity=severity,
        source=place.file.line(place.line),
    )


def key_path(path: Iterable[str | int]) -> str:
    """`services.api.ports[0]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Each once, file by file, from top to bottom; those without a file first."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: (problem.file, problem.line, problem.column)))


def faults_of(error: ProfileError) -> tuple[Problem, ...]:
    """The problems that an error carries; its own message if it carries none."""
    found = tuple(problem for problem in error.problems if isinstance(problem, Problem))
    return found or (Problem(error.message, hint=error.hint),)


def refusal(problems: Sequence[Problem], cwd: Path) -> ProfileError:
    """The error that carries these problems."""
    errors = [problem for problem in problems if problem.severity == "error"]
    files = list(dict.fromkeys(shown_file(problem.file, cwd) for problem in errors if problem.file))
    where = files[0] if len(files) == 1 else f"{len(files)} files" if files else "the profile"
    count = "1 problem" if len(errors) == 1 else f"{len(errors)} problems"
    return ProfileError(f"{where} cannot be used: {count}", problems)


def shown_file(file: str, cwd: Path) -> str:
    """The path from here if it is below, else whole."""
    path = Path(file)
    return str(path.relative_to(cwd)) if path.is_relative_to(cwd) else file


def where(problem: Problem, cwd: Path) -> str:
    """`devgate.yaml:12:5`, in the form that editors and terminals make a link of."""
    from devgate.escape import visible

    numbers = [str(number) for number in (problem.line, problem.column) if number]
    return ":".join([visible(shown_file(problem.file, cwd)), *numbers])


def render(problem: Problem, cwd: Path) -> str:
    """The problem in two to four lines: where and what, the line with a mark, the hint."""
    from devgate.escape import visible

    what = f"{problem.severity}: {visible(problem.message)}"
    lines = [f"{where(problem, cwd)}: {what}" if problem.file else what]
    if problem.source.strip():
        lines += _pointed(problem)
    if problem.hint:
        lines.append(f"  hint: {visible(problem.hint)}")
    return "\n".join(lines)


def as_json(problem: Problem, cwd: Path) -> dict[str, Any]:
    """The problem for programs; its file as it is shown to people."""
    return {
        "severity": problem.severity,
        "file": shown_file(problem.file, cwd) if problem.file else None,
        "line": problem.line or None,
        "column": problem.column or None,
        "path": problem.path or None,
        "message": problem.message,
        "hint": problem.hint or None,
    }


def _pointed(problem: Problem) -> list[str]:
    """The line and a mark under the fault."""
    from devgate.escape import ELLIPSIS, cells, clipped, visible
    from devgate.redact import redact_text

    before = visible(redact_text(problem.source[: problem.column - 1]))
    line = visible(redact_text(problem.source))
    at = cells(before)
    span = cells(visible(problem.source[problem.column - 1 :][: problem.width]))
    if at > _LINE_WIDTH * 2 // 3:  # the fault would be beyond the cut: show its surroundings
        start = max(len(before) - _LINE_WIDTH // 2, 0)
        line, at = ELLIPSIS + line[start:], 1 + cells(before[start:])
    line = clipped(line, _LINE_WIDTH)
    number = f"  {problem.line} | "
    mark = "^" * max(1, min(span, cells(line) - at))
    return [number + line, " " * (len(number) - 2) + "| " + " " * at + mark]
