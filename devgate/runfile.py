"""Where a running devgate is found: `.devgate/run.json` in the project's folder.

The file holds the control API's address and token, so it is as secret as a private key (SEMANTICS 4, threats 5 and 6): the folder
has mode 0700 and ignores itself in git, the file has mode 0600 from its first moment, links are not followed, and a file of
another user is as good as none. A pid alone proves nothing: a run file is alive only if the process with that pid also has the
birth that it names, since the same boot.

Two devgates that start at once are kept apart by `claim`: whoever holds the lock looks and writes, the other one finds a peer.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from devgate import processes
from devgate.errors import Exit, StartError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FOLDER: Final = ".devgate"
FILE: Final = "run.json"
LOCK: Final = "lock"
"""Held only while looking and writing."""
STARTING: Final = "starting"
"""Held while a devgate starts."""
IGNORE: Final = ".gitignore"
LARGEST: Final = 64 * 1024

_NO_LINKS: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


@dataclass(frozen=True, slots=True)
class RunFile:
    """One running devgate, as others see it."""

    pid: int
    birth: int
    """When the process started, in the unit of `processes.birth`."""
    boot: str
    """Which boot of the machine `birth` belongs to."""
    control_url: str
    """Where the control API answers."""
    token: str
    """What it wants to see."""
    url: str
    """Where the gateway answers."""
    profile: str
    """Name of the profile at the start."""
    started_at: float
    """Seconds since the epoch."""
    mark: str = ""
    """What the environment of every process of this devgate carries (`processes.MARK`); not a secret."""

    @classmethod
    def here(
        cls, *, control_url: str, token: str, url: str, profile: str, started_at: float, mark: str = ""
    ) -> RunFile:
        """The run file of this very process."""
        pid = os.getpid()
        birth = processes.birth(pid)
        assert birth is not None, "this process runs"
        return cls(pid, birth, processes.boot_id(), control_url, token, url, profile, started_at, mark)

    @property
    def alive(self) -> bool:
        """Whether that devgate still runs."""
        return self.boot == processes.boot_id() and processes.lives(self.pid, self.birth)

    def __repr__(self) -> str:  # the token must not slip into a log with it
        return f"<devgate {self.pid} at {self.url} with profile {self.profile}>"


def state_folder(project: Path) -> Path:
    """`.devgate` of a project, made if need be: only for its owner, and ignored by git.

    A repository can bring one with it. It is ours then, by all that a file system can say, and a link in it would have us write
    over whatever it names.

    Raises:
        StartError: it is a link or holds one, belongs to somebody else, or cannot be made.
    """
    folder = project / FOLDER
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or not _is_ours(found):
            raise StartError(
                f"{folder} is a link or belongs to another user",
                hint="remove it; devgate keeps a secret there",
                code="unsafe-state-folder",
            )
        if found.st_mode & 0o077 and os.name == "posix":
            folder.chmod(0o700)
        for name in _strange(folder):
            raise StartError(
                f"{folder / name} is a link or no plain file",
                hint="remove it; devgate writes there, and would write to something else",
                code="unsafe-state-folder",
            )
        ignore = folder / IGNORE
        if not ignore.exists():
            ignore.write_text("*\n")
    except OSError as error:
        raise StartError(
            f"cannot use {folder}: {error.strerror}",
            hint="devgate needs a folder that it may write to; choose one with --project",
            code="unusable-state-folder",
        ) from error
    return folder


def read(state: Path) -> RunFile | None:
    """The run file of a state folder, alive or not; None where there is none that could be ours."""
    found = _opened(state)
    if found is None or found[1] & 0o077:  # others may have read the token, or written the address that it is sent to
        return None
    return _decode(found[0])


def search(start: Path) -> tuple[Path, RunFile] | None:
    """The nearest run file at or above `start`, with its state folder: a live one if there is any, else a dead one."""
    dead: tuple[Path, RunFile] | None = None
    for folder in (start, *start.parents):
        state = folder / FOLDER
        run = read(state)
        if run is not None:
            if run.alive:
                return state, run
            dead = dead or (state, run)
    return dead


def find(start: Path) -> RunFile | None:
    """The devgate that runs at or nearest above `start`."""
    found = search(start)
    return found[1] if found is not None and found[1].alive else None


def exposed(start: Path) -> StartError | None:
    """The refusal where a devgate runs at or above `start` whose run file others can read, or could have written.

    `read` does not use it, as the token in it may be known and the address may be forged. Whoever looked is told that, and not
    that nothing runs. Only whether that process lives is taken from it.
    """
    for folder in (start, *start.parents):
        refusal = exposed_at(folder / FOLDER)
        if refusal is not None:
            return refusal
    return None


def exposed_at(state: Path) -> StartError | None:
    """`exposed`, of one state folder."""
    found = _opened(state)
    if found is None or not found[1] & 0o077:
        return None
    data, mode = found
    run = _decode(data)
    if run is None or not run.alive:
        return None
    file = state / FILE
    return StartError(
        f"a devgate runs here (pid {run.pid}), but {file} has mode {mode:04o} and is not used: others may have read its token",
        hint=f"`chmod 600 {file}`, then `devgate down` and `devgate up` for a new token",
        code="unsafe-run-file",
        exit_code=Exit.NOT_RUNNING,
    )


@contextmanager
def starting(state: Path) -> Iterator[Callable[[], None]]:
    """One devgate starts here at a time: who comes second waits until the first can be found, or has failed.

    Without it two starts at once would meet at the gateway's port, and the second one could not say more than that it is taken.
    Yields what ends the wait of others; leaving does so, too, and so does dying. A start that fails takes an empty folder away.
    """
    with ExitStack() as stack:
        while True:
            with suppress(FileNotFoundError):
                if _is_at(stack.enter_context(_locked(state, STARTING)), state / STARTING):
                    break
            stack.close()  # the one that was waited for has failed, and has taken the folder with it
            state_folder(state.parent)
        stack.push(lambda kind, *_: vacate(state) if kind is not None else None)
        yield stack.close


def vacate(state: Path, *besides: str) -> None:
    """Remove the state folder if it holds nothing but what any start puts there, and files of the names `besides`.

    Only for whoever holds `starting`. Those who wait for that lock see that it is gone.
    """
    try:
        found = {entry.name for entry in state.iterdir()}
        if not found <= {STARTING, LOCK, IGNORE, *besides}:
            return
        for name in sorted(found, reverse=True):
            (state / name).unlink(missing_ok=True)
        state.rmdir()
    except OSError:  # somebody has begun to use it
        if state.is_dir():
            state_folder(state.parent)


def claim(state: Path, run: RunFile) -> RunFile | None:
    """Write the run file. Returns the dead predecessor's, if it left one.

    Raises:
        StartError: a devgate runs here already.
    """
    with _locked(state):
        before = read(state)
        if before is not None and before.alive and before.pid != run.pid:
            raise already_running(before)
        draft = state / f"{FILE}.{secrets.token_hex(4)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINKS, 0o600)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump(asdict(run), file, indent=1)
            draft.replace(state / FILE)  # never half a file, and whatever stood there (a link, too) is gone
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        return before


def release(state: Path, run: RunFile) -> None:
    """Take the run file away, unless it is by now another devgate's."""
    with _locked(state):
        if read(state) == run:
            (state / FILE).unlink(missing_ok=True)


def already_running(run: RunFile) -> StartError:
    """The refusal of a second devgate for the same folder."""
    return StartError(
        f"devgate runs here already: {run.url} (pid {run.pid}, profile {run.profile})",
        hint="see it with `devgate status`, change its profile with `devgate switch`, end it with `devgate down`",
        code="already-running",
        exit_code=Exit.OTHER_RUNNING,
    )


def _strange(folder: Path) -> Iterator[str]:
    """Names of what devgate has not put there: it makes files and folders."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)):
                yield entry.name


def _opened(state: Path) -> tuple[bytes, int] | None:
    """Content and mode of the run file; None where there is none that is this user's. The mode is 0 where there are none."""
    try:
        descriptor = os.open(state / FILE, os.O_RDONLY | _NO_LINKS | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return None
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or not _is_ours(found) or found.st_size > LARGEST:
            return None
        return file.read(LARGEST), stat.S_IMODE(found.st_mode) if os.name == "posix" else 0


def _decode(text: bytes) -> RunFile | None:
    try:
        data = json.loads(text)
        run = RunFile(**data)
    except (ValueError, TypeError, RecursionError):  # another version's, or damaged
        return None
    kinds: dict[str, type | tuple[type, ...]] = {"pid": int, "birth": int, "started_at": (int, float)}
    for name in RunFile.__slots__:
        if not isinstance(getattr(run, name), kinds.get(name, str)):
            return None
    return run if run.pid > 0 else None


def _is_ours(found: os.stat_result) -> bool:
    return os.name != "posix" or found.st_uid == os.geteuid()


@contextmanager
def _locked(state: Path, name: str = LOCK) -> Iterator[int]:
    """Held by one process at a time; yields its descriptor. Who may find its file removed has to look whether it is still there
    (`_is_at`): else the lock is given away twice."""
    descriptor = os.open(state / name, os.O_RDWR | os.O_CREAT | _NO_LINKS, 0o600)
    try:
        if os.name == "posix":
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is the one that has this name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False
