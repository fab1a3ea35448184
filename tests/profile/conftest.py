"""A project on disk, and short ways to load what stands in it."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from devgate.profile.loading import Attempt, Loaded, try_load
from devgate.profile.problems import Problem, faults_of


class Project:
    """A folder with profiles."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ: dict[str, str] = {}

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    def attempt(
        self, ref: str | None = None, *, expose: bool = False, environ: Mapping[str, str] | None = None
    ) -> Attempt:
        return try_load(ref, cwd=self.folder, environ=self.environ if environ is None else environ, expose=expose)

    def load(self, text: str, *, expose: bool = False) -> Loaded:
        """Load `text` as this folder's devgate.yaml."""
        self.write("devgate.yaml", text)
        attempt = self.attempt(expose=expose)
        assert attempt.loaded is not None, "\n".join(map(str, faults_of(attempt.error)))
        return attempt.loaded

    def faults(self, text: str, *, expose: bool = False) -> list[Problem]:
        """Every problem and warning of `text`."""
        self.write("devgate.yaml", text)
        attempt = self.attempt(expose=expose)
        if attempt.error is not None:
            return list(faults_of(attempt.error))
        assert attempt.loaded is not None
        return list(attempt.loaded.warnings)

    def fault(self, text: str, *, expose: bool = False) -> Problem:
        """The only one."""
        (fault,) = self.faults(text, expose=expose)
        return fault


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def pointed(problem: Problem) -> str:
    """What the problem's mark stands under."""
    return problem.source[problem.column - 1 :][: problem.width]
