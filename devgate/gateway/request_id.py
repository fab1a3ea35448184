"""The id that one request carries everywhere: answer, service, log, record.

A client's own id is taken over if it is harmless; otherwise a UUID of version 4 is made. Its first part is random for each
gateway, its last part counts: an id has to be unique and not secret, and a random one for each request would cost more than
finding its route.
"""

from __future__ import annotations

import re
import uuid
from itertools import count
from typing import Final

_ACCEPTED: Final = re.compile(rb"[A-Za-z0-9._-]{8,128}")


def accepted(value: bytes) -> bool:
    """Whether a client's `X-Request-ID` may be used as it is."""
    return _ACCEPTED.fullmatch(value) is not None


class RequestIds:
    """Makes ids of the form of RFC 9562 5.4."""

    def __init__(self) -> None:
        self._form = str(uuid.uuid4())[:24].encode() + b"%012x"
        self._next = count(1).__next__

    def __call__(self) -> bytes:
        return self._form % self._next()
