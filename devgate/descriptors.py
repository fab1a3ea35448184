"""How many files and sockets devgate may have open at a time.

Shells give 1,024, of which each request under way takes two and each WebSocket keeps two; a page that is reloaded while a service
restarts, under a load test, needs more. The hard limit is the administrator's word, everything below is ours to choose. Services
inherit what is chosen here, and it stays low enough for programs that walk through all numbers up to it.
"""

from __future__ import annotations

import sys
from typing import Final

ENOUGH: Final = 8_192


def raise_limit(wanted: int = ENOUGH) -> None:
    """Allow this process `wanted` descriptors, or as many as it may have. Never fewer than before."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= target:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
    except (OSError, ValueError):  # macOS has a second limit that no call tells; what there was is enough to work with
        pass
