"""Dates in header fields (RFC 9110 5.6.7). Pure."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime


def moment(date: bytes) -> float | None:
    """An HTTP date, in any of its three forms, as seconds since the epoch; None for what is none."""
    try:
        found = parsedate_to_datetime(date.decode("ascii"))
        return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):  # the parser is made for mail, and trusts it
        return None
