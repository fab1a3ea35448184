"""Starts descendants of every kind, says their pids, and waits.

`family.py KIND...`: `child` in our group; `deaf` ignores TERM; `session` leaves the session; `orphan` leaves session and parents
by a double fork and ignores TERM; `holder` holds stdout. Then `exit=CODE` ends the leader with CODE once all of them run.
"""

import os
import signal
import sys
import time


def settle(name: str, *, deaf: bool) -> None:
    if deaf:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
    os.write(1, f"{name} {os.getpid()}\n".encode())
    if name != "holder":
        # what holds no pipe shows that nobody waits for pipes
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 1)
        os.dup2(null, 2)
    os.write(told, b".")
    time.sleep(600)
    os._exit(0)


ready, told = os.pipe()
kinds = [argument for argument in sys.argv[1:] if "=" not in argument]
for kind in kinds:
    if os.fork() == 0:
        if kind in ("session", "orphan"):
            os.setsid()
        if kind == "orphan" and os.fork() != 0:
            os._exit(0)
        settle(kind, deaf=kind in ("deaf", "orphan"))
for _ in kinds:
    os.read(ready, 1)
os.write(1, f"leader {os.getpid()}\n".encode())
for argument in sys.argv[1:]:
    if argument.startswith("exit="):
        os._exit(int(argument[5:]))
time.sleep(600)
