"""The guardian itself: a process of its own that outlives a killed devgate for as long as it takes to clean up.

It is started in a session of its own and reads commands from devgate, one a line, until end of file:

    mark MARK             what the mark of every process of this devgate begins with
    track PGID BIRTH      a process group of ours
    forget PGID
    screen on|off         whether the terminal is in the screen's hands
    bye                   devgate ends in order: nothing is left to do

End of file without `bye` means that devgate was killed. Then everything of ours is asked to end, killed after two seconds, and
the terminal is given back as it was. It runs as `python -I -S`: nothing but the standard library, nothing of the user's.
"""

from __future__ import annotations

import os
import signal
import sys
import termios

if __name__ == "__main__":  # run by its path: find ourselves, behind everything else; pathlib would be another tenth
    sys.path.append(os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..")))

from devgate import processes

assert sys.platform != "win32"  # a job object does its work there

IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP)
"""Meant for devgate, whose end is what we wait for."""

RESET = (
    b"\x1b[?1049l"  # leave the alternate screen
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l"  # mouse reports off
    b"\x1b[?2004l\x1b[?1004l\x1b[?2048l"  # bracketed paste, focus and resize reports off
    b"\x1b[<u"  # kitty keyboard protocol: back to what was before
    b"\x1b[?25h\x1b[0m\r\n"  # cursor on, plain colours
)


def terminal_settings(fd: int) -> str:
    """How a terminal is set now, as text for `restore_terminal`."""
    *numbers, characters = termios.tcgetattr(fd)
    # Not json: with what it imports it would be a tenth of the guardian's memory.
    return ",".join(map(str, [*numbers, *(char if isinstance(char, int) else char[0] for char in characters)]))


def restore_terminal(fd: int, settings: str) -> None:
    """Take back what a screen has set, and set the terminal as it was."""
    parts = [int(part) for part in settings.split(",")]
    numbers: list[int | list[bytes | int]] = [*parts[:6]]
    characters, local_modes = parts[6:], parts[3]
    canonical = local_modes & termios.ICANON
    # In canonical mode VMIN and VTIME share their places with other characters and are bytes like those.
    counts = () if canonical else (termios.VMIN, termios.VTIME)
    restored: list[bytes | int] = [char if index in counts else bytes([char]) for index, char in enumerate(characters)]
    try:
        os.write(fd, RESET)
        termios.tcsetattr(fd, termios.TCSANOW, [*numbers, restored])
    except (OSError, termios.error):  # the terminal is gone, too
        pass


class Charge:
    """What the guardian would have to clean up."""

    def __init__(self) -> None:
        self.mark = ""
        self.groups: dict[int, int] = {}
        self.screen = False
        self.dismissed = False

    def obey(self, line: str) -> None:
        """One command; what is no command is ignored."""
        match line.split():
            case ["mark", mark]:
                self.mark = mark
            case ["track", group, birth] if group.isdigit() and birth.isdigit():
                self.groups[int(group)] = int(birth)
            case ["forget", group] if group.isdigit():
                self.groups.pop(int(group), None)
            case ["screen", state]:
                self.screen = state == "on"
            case ["bye"]:
                self.dismissed = True


def main(argv: list[str]) -> int:
    """Guard until devgate is gone. `argv` holds the terminal's file descriptor and settings, or nothing."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    charge = Charge()
    with os.fdopen(0, "r", encoding="ascii", errors="replace") as commands:
        for line in commands:
            charge.obey(line)
    if charge.dismissed:
        return 0
    # The terminal first: the person looks at it, and the rest may take its two seconds.
    if argv and charge.screen:
        restore_terminal(int(argv[0]), argv[1])
    return 1 if processes.end(charge.groups, charge.mark).left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
