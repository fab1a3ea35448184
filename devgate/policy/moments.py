"""Dates in header fields (RFC 9110 5.6.7). Pure."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

_MONTH: Final = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_TIME: Final = rb"\d\d:\d\d:\d\d"
_FORMS: Final = re.compile(
    rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d %b \d{4} %b GMT"
    rb"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d\d-%b-\d\d %b GMT"  # RFC 850
    rb"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) %b [ \d]\d %b \d{4}" % ((_MONTH, _TIME) * 3),  # asctime
    re.IGNORECASE,
)


def moment(date: bytes) -> float | None:
    """An HTTP date, in any of its three forms, as seconds since the epoch; None for what is none: what is nearly a date may be
    an hour or a century off."""
    if _FORMS.fullmatch(date) is None:  # the parser below is made for mail, and guesses
        return None
    try:
        found = parsedate_to_datetime(date.decode("ascii"))
        return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):  # the 99th of November
        return None
