"""Lives in a terminal: says whether it has one and how wide it is, tells what it hears, and obeys what is typed.

It writes `size COLUMNS ROWS` at the start and at each change, `name? ` without a line end, and then for each line that is typed
what it was: `grandchild` starts one that ignores HUP and holds the terminal, `exit` ends with 7, `wide` shows a control sequence.
"""

import fcntl
import os
import signal
import struct
import sys
import termios
import time


def say(text: str) -> None:
    os.write(1, text.encode())


def size(*_: object) -> None:
    rows, columns, _, _ = struct.unpack("HHHH", fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8)))
    say(f"size {columns} {rows}\n")


def interrupted(*_: object) -> None:
    say("interrupted\n")


signal.signal(signal.SIGWINCH, size)
signal.signal(signal.SIGINT, interrupted)
say(f"isatty {' '.join(str(os.isatty(fd)) for fd in (0, 1, 2))}\n")
say(f"leads {os.getsid(0) == os.getpid() == os.tcgetpgrp(os.open('/dev/tty', os.O_RDWR))}\n")
say(f"term {os.environ.get('TERM')} {os.environ.get('COLUMNS')}\n")
size()
say("name? ")
for line in sys.stdin:
    word = line.strip()
    if word == "grandchild":
        if os.fork() == 0:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            say(f"holder {os.getpid()}\n")
            time.sleep(600)
        continue
    if word == "exit":
        os._exit(7)
    if word == "wide":
        say("\x1b[2J\x1b[31mred\x1b[0m\x1b]0;title\x07\n")
        continue
    say(f"heard {word}\n")
say("end of file\n")
time.sleep(600)
