"""Restart when files change: which changes count, and when it is enough.

What counts is decided like git does it: the usual clutter and what `.gitignore` files name never counts, unless somebody watches
such a folder by name; `include` and `exclude` of the profile are patterns of the same kind.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from pathspec import GitIgnoreSpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from devgate.files import FileWatch, FileWatcher
    from devgate.model.service import WatchSpec
    from devgate.supervisor.world import World

TRIGGERS: Final = 10
WINDOW_S: Final = 60.0

_USUAL: Final = """
.git/ .hg/ .svn/ .devgate/ .idea/ .vscode/ __pycache__/ .venv/ node_modules/ target/ .mypy_cache/ .pytest_cache/ .ruff_cache/
*.pyc *.swp *.swx *~ .#* 4913 .DS_Store
"""
_CLUTTER: Final = GitIgnoreSpec.from_lines(_USUAL.split())


class Flap:
    """So many triggers within so long a time are a loop: the service writes what it watches."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=TRIGGERS)

    def trigger(self, now: float) -> bool:
        """One more; whether it is still believable."""
        self._times.append(now)
        return len(self._times) < TRIGGERS or self._times[0] < now - WINDOW_S

    def forget(self) -> None:
        self._times.clear()


class Counts:
    """Whether a changed path counts. Called in the observer's thread; only reads."""

    def __init__(self, spec: WatchSpec, folder: Path) -> None:
        named = [folder / path for path in spec.paths]
        self._roots = list(dict.fromkeys([*named, *(path.resolve() for path in named)]))
        self._include = GitIgnoreSpec.from_lines(spec.include) if spec.include else None
        self._exclude = GitIgnoreSpec.from_lines(spec.exclude)
        self._rules: dict[Path, GitIgnoreSpec | None] = {}
        # A folder that is ignored as a whole and yet watched by name: its own rules count, those above it do not.
        self._top = {}
        for root in self._roots:
            top = _top_of(root)
            self._top[root] = root if self._ignored(root, top, "/" if root.is_dir() else "") else top

    def __call__(self, path: Path) -> bool:
        if path.name == ".gitignore":
            self._rules.pop(path.parent, None)
        root = next((root for root in self._roots if path.is_relative_to(root)), None)
        if root is None:
            return False
        if path == root:
            return True
        inside = path.relative_to(root).as_posix()
        if _CLUTTER.match_file(inside) or self._exclude.match_file(inside):
            return False
        if self._include is not None and not self._include.match_file(inside):
            return False
        return not self._ignored(path, self._top[root])

    def _ignored(self, path: Path, top: Path, end: str = "") -> bool:
        """What the `.gitignore` files from `top` down to the path say; the nearest one that says something decides.

        Args:
            end: a slash for a folder: some rules are for folders only.
        """
        for folder in path.parents:
            if not folder.is_relative_to(top):
                return False
            rules = self._rules_in(folder)
            if rules is not None:
                said = rules.check_file(path.relative_to(folder).as_posix() + end).include
                if said is not None:
                    return said
        return False

    def _rules_in(self, folder: Path) -> GitIgnoreSpec | None:
        if folder not in self._rules:
            try:
                lines = (folder / ".gitignore").read_text("utf-8", "replace").splitlines()
            except OSError:
                self._rules[folder] = None
            else:
                self._rules[folder] = GitIgnoreSpec.from_lines(lines)
        return self._rules[folder]


def _top_of(path: Path) -> Path:
    """The folder of the git checkout that a path is in; itself if it is in none."""
    return next((above for above in path.parents if (above / ".git").exists()), path)


class Watch:
    """The watched files of one service.

    Args:
        changed: what to do, with the reason in words.
        suspended: there have been too many changes; nothing is watched until `resume`.
    """

    def __init__(
        self,
        world: World,
        files: FileWatcher,
        spec: WatchSpec,
        folder: Path,
        changed: Callable[[str], None],
        suspended: Callable[[str], None],
    ) -> None:
        self.spec = spec
        self._world = world
        self._folder = folder
        self._changed = changed
        self._suspended = suspended
        self._flap = Flap()
        self._asleep = False
        self._watch: FileWatch = files.watch(
            [folder / path for path in spec.paths],
            self._seen,
            debounce_s=spec.debounce,
            wanted=Counts(spec, folder),
        )

    def resume(self) -> None:
        """Somebody has looked at it."""
        self._asleep = False
        self._flap.forget()

    def close(self) -> None:
        self._watch.close()

    def _seen(self, paths: frozenset[Path]) -> None:
        if self._asleep:
            return
        if not self._flap.trigger(self._world.clock.now()):
            self._asleep = True
            self._suspended(f"{TRIGGERS} changes within {WINDOW_S:.0f} s: files are not watched until it is restarted")
            return
        first, *more = sorted(paths)
        name = first.relative_to(self._folder) if first.is_relative_to(self._folder) else first
        self._changed(f"changed: {name}" + (f" and {len(more)} more" if more else ""))
