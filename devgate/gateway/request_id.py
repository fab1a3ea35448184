"""The id that one request carries everywhere: answer, service, log, record.

A client's own id is taken over if it is harmless; otherwise a UUIDv4 is made. Random bytes are fetched a thousand ids at a time:
a system call per request would cost more than all of routing.
"""

from __future__ import annotations

import os
import re
from typing import Final

_ACCEPTED: Final = re.compile(rb"[A-Za-z0-9._-]{8,128}")
_BATCH: Final = 1024
_DIGITS: Final = 32  # of one id
_VARIANT: Final = "89ab"  # RFC 9562 4.1


def accepted(value: bytes) -> bool:
    """Whether a client's `X-Request-ID` may be used as it is."""
    return _ACCEPTED.fullmatch(value) is not None


class RequestIds:
    """Makes UUIDs of version 4 (RFC 9562 5.4)."""

    def __init__(self) -> None:
        self._digits = ""
        self._at = 0

    def __call__(self) -> str:
        at = self._at
        if at == len(self._digits):
            self._digits = os.urandom(_BATCH * _DIGITS // 2).hex()
            at = 0
        self._at = at + _DIGITS
        d = self._digits[at : at + _DIGITS]
        return f"{d[:8]}-{d[8:12]}-4{d[13:16]}-{_VARIANT[int(d[16], 16) & 3]}{d[17:20]}-{d[20:]}"
