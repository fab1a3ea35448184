"""A service's output on disk, complete, in files of bounded size: `<service>.log`, `.log.1`, `.log.2`."""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from devgate.model.service import LogSpec

_SIGNS = {"out": " ", "err": "!", "mark": "-"}


class LogFile:
    """Appends lines. A disk that is full or a folder that is gone ends the file, never the service."""

    def __init__(self, path: Path, spec: LogSpec) -> None:
        self.path = path
        self.spec = spec
        self.failure = ""
        """Why nothing is written any more."""
        self._fd: int | None = None
        self._size = 0

    def write(self, lines: Sequence[str], stream: str, *, at: float, replica: int) -> None:
        """One line each: time, `!` for stderr or `-` for devgate's own, replica where there are several, text."""
        if self.failure:
            return
        stamp = datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        start = f"{stamp} {_SIGNS[stream]} " + (f"#{replica} " if replica else "")
        data = (start + f"\n{start}".join(lines) + "\n").encode("utf-8", "replace")
        try:
            if self._fd is None:
                self._open()
            elif self._size and self._size + len(data) > self.spec.file_size:
                self._rotate()
            assert self._fd is not None
            os.write(self._fd, data)
            self._size += len(data)
        except OSError as error:
            self.failure = error.strerror or type(error).__name__
            self.close()

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _open(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        self._fd = os.open(self.path, flags, 0o600)
        self._size = os.fstat(self._fd).st_size

    def _rotate(self) -> None:
        self.close()
        names = [self.path, *(self.path.with_name(f"{self.path.name}.{index}") for index in range(1, self.spec.files))]
        for older, newer in zip(reversed(names), list(reversed(names))[1:], strict=False):
            if newer.exists():
                newer.replace(older)
        if len(names) == 1:
            self.path.unlink(missing_ok=True)
        self._open()
