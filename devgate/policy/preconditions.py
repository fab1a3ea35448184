"""Whether a client that asks for an answer has it already (RFC 9110 13)."""

from __future__ import annotations

import re
from typing import Final

from devgate.policy.moments import moment

CONDITIONS: Final = (b"if-none-match", b"if-modified-since", b"if-match", b"if-unmodified-since", b"if-range")
_TAG: Final = re.compile(rb'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def not_modified(if_none_match: bytes, if_modified_since: bytes, etag: bytes, last_modified: bytes) -> bool:
    """Whether 304 is the answer to a GET (RFC 9110 13.2.2).

    Args:
        if_none_match, if_modified_since: as the client sent them; empty where it did not.
        etag, last_modified: of the kept answer; empty where it has none.
    """
    if if_none_match:  # then the date has no say
        if if_none_match.strip() == b"*":
            return True
        mine = _TAG.fullmatch(etag.strip())
        return mine is not None and mine[1] in _TAG.findall(if_none_match)  # weakly: W/ does not matter
    if not if_modified_since or not last_modified:
        return False
    if if_modified_since == last_modified:
        return True
    asked, changed = moment(if_modified_since), moment(last_modified)
    return asked is not None and changed is not None and changed <= asked
