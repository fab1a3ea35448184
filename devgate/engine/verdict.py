"""When the end of a service is the end of devgate, and with which exit code: what CI asks for. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devgate.errors import Exit
from devgate.model.events import ProcessExited, ServiceChanged
from devgate.model.status import FAILED, ServiceState

if TYPE_CHECKING:
    from devgate.model.events import Event

_ENDED: Final = FAILED | {ServiceState.EXITED, ServiceState.COMPLETED, ServiceState.BACKOFF}
"""States that follow when a service ends by itself; what somebody stops is `stopped`."""


class Verdict:
    """Looks at what happens.

    Args:
        on_fail: the first service that fails for good ends devgate, with exit code 1 (`--exit-on-fail`).
        watched: the first end of this service ends devgate, with its exit code (`--exit-code-from`).
    """

    def __init__(self, *, on_fail: bool = False, watched: str | None = None) -> None:
        self._on_fail = on_fail
        self._watched = watched
        self._code: int | None = None

    def consider(self, event: Event) -> tuple[str, int] | None:
        """Why devgate has to end now and its exit code; None if it goes on."""
        match event:
            case ProcessExited(service=service, code=code) if service == self._watched:
                self._code = shell_code(code)
            case ServiceChanged(service=service, new=new) if service == self._watched and new in _ENDED:
                return f"{service} {new.value}", self._code_of(new)
            case ServiceChanged(service=service, new=new) if self._on_fail and new in FAILED:
                return f"{service} {new.value}", Exit.SERVICE_FAILED
        return None

    def _code_of(self, state: ServiceState) -> int:
        if state is ServiceState.BLOCKED:
            return Exit.SERVICE_BLOCKED
        return Exit.SERVICE_FAILED if self._code is None else self._code


def shell_code(code: int) -> int:
    """An exit code as a shell has it: 128 and the signal, where one ended the process."""
    return code if code >= 0 else 128 - code
