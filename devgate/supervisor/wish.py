"""What is wanted of one replica, as opposed to what is. Pure.

Commands change the wish and return; the replica's loop looks at it whenever something has changed. Only the newest wish counts:
a stop beats a restart in flight because it takes the restart out of the wish.
"""

from __future__ import annotations


class Wish:
    """Whether it should run, and whether the process that runs now has to be replaced."""

    def __init__(self) -> None:
        self.up = False
        self.renew = False
        self.at_once = False
        """A pause before the next attempt is to end now."""
        self.why = ""
        """The last command's reason, in words."""
        self.asked = 0
        """Starts and restarts asked for so far."""
        self.answered = 0
        """Up to which of these the present state is the answer: who has asked waits until it reaches his number."""

    @property
    def leaving(self) -> bool:
        """Whether what runs now has to end."""
        return not self.up or self.renew

    def start(self, *, fulfilled: bool) -> int:
        """It should run. Returns the number of this request.

        Args:
            fulfilled: it does, and is not on its way out.
        """
        self.up = True
        self.asked += 1
        if fulfilled and not self.renew:
            self.answered = self.asked
        else:
            self.at_once = True
        return self.asked

    def restart(self, why: str, *, running: bool) -> int:
        """What runs now has to be replaced; where nothing runs, this is a start."""
        self.renew = running
        self.why = why
        return self.start(fulfilled=False)

    def stop(self, why: str) -> None:
        self.up = self.renew = False
        self.why = why

    def attempt(self) -> None:
        """An attempt to start it begins: whatever comes of it is the answer to all requests until now."""
        self.answered = self.asked
        self.at_once = False
        self.renew = False

    def settle(self) -> None:
        """It is down and stays down until somebody asks."""
        self.up = False
