"""Files of `NAME=value` lines, read with python-dotenv's parser; the process's own environment is not touched.

The loader reads them for `${...}`, the supervisor reads a service's again at each of its starts.
"""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from devgate.errors import ProfileError
from devgate.profile.interpolate import Value
from devgate.profile.nodes import List, Text
from devgate.profile.problems import faults_of, problem_at, shown_file
from devgate.profile.source import Place, read_source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devgate.profile.nodes import KeyPath, Node
    from devgate.profile.problems import Problem


_NAME: Final = re.compile(r"[A-Za-z_][\w.-]*")


@dataclass(frozen=True, slots=True)
class EnvFile:
    path: Path
    values: Mapping[str, str]
    lines: Mapping[str, int]
    """The line, from 1, that each name stands in."""

    @property
    def digests(self) -> dict[str, str]:
        """What each variable is, without saying it: what two readings of a file are compared by."""
        return {name: hashlib.sha256(value.encode()).hexdigest()[:16] for name, value in self.values.items()}


def read_env_file(path: Path, environ: Mapping[str, str]) -> EnvFile:
    """Read one file. A `${NAME}` in a value means a name further up, else one of `environ`, else nothing.

    Raises:
        ProfileError: it cannot be read, or a line is not `NAME=value`.
    """
    from dotenv.parser import parse_stream  # costs 10 ms, which a profile without env_file need not pay
    from dotenv.variables import parse_variables

    source = read_source(path)
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    problems = []
    for binding in parse_stream(io.StringIO(source.text)):
        written = binding.original.string
        line = binding.original.line + len(written) - len(written.lstrip("\r\n"))
        if binding.error or (binding.key is not None and not _NAME.fullmatch(binding.key)):
            width = len(source.line(line).strip())
            problems.append(problem_at(Place(source, line, 1, width), "not a line of the form NAME=value"))
        elif binding.key is not None and binding.value is not None:
            known: dict[str, str | None] = {**environ, **values}
            values[binding.key] = "".join(atom.resolve(known) for atom in parse_variables(binding.value))
            lines[binding.key] = line
    if problems:
        raise ProfileError(f"{path} cannot be used", problems)
    return EnvFile(path, values, lines)


class EnvFiles:
    """The env files that one profile names, each read once."""

    def __init__(self, cwd: Path, environ: Mapping[str, str]) -> None:
        self.values: dict[str, Value] = {}
        """For `${NAME}`; of several files the last one wins."""
        self.digests: dict[str, dict[str, str] | None] = {}
        """Of each variable, by absolute path; None for a file that cannot be read."""
        self.problems: list[Problem] = []
        self._cwd = cwd
        self._environ = environ

    def read(self, named: Node | None, path: KeyPath, severity: Literal["error", "warning"]) -> None:
        """Read the files that `named`, which stands at `path`, names absolutely. A service's are read again at its start, so that
        one which is missing now is only worth a warning; `${NAME}` does not look into them."""
        for node in named.items if isinstance(named, List) else [named]:
            if isinstance(node, Text) and not node.null and node.text not in self.digests:
                self._read_one(node, path, severity)

    def _read_one(self, node: Text, path: KeyPath, severity: Literal["error", "warning"]) -> None:
        try:
            file = read_env_file(Path(node.text), self._environ)
        except ProfileError as error:
            self.digests[node.text] = None
            for fault in faults_of(error):
                if fault.line:
                    self.problems.append(replace(fault, severity=severity))
                    continue
                message = f"env_file {shown_file(node.text, self._cwd)} {fault.message}"
                hint = "create it, or remove this entry"
                self.problems.append(problem_at(node.place, message, hint=hint, path=path, severity=severity))
            return
        self.digests[node.text] = file.digests
        if len(path) == 1:
            shown = shown_file(node.text, self._cwd)
            for name, text in file.values.items():
                self.values[name] = Value(text, f"{shown}:{file.lines[name]}")
