"""Which names a request may call this gateway by: the defence against DNS rebinding (SEMANTICS 4, threat 1).

A page can point its own host name at 127.0.0.1 and is then, for the browser, of the same origin as the gateway: no CORS rule ever
sees it. Only the `Host` header gives it away, so it is checked before everything else, on every listener, upgrades included.
"""

from __future__ import annotations

import re
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

MEMO_SIZE: Final = 256

_HOST: Final = re.compile(
    rb"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._~!$&'()*+,;=%-]+))(?::([0-9]{0,5}))?"
)  # RFC 3986 3.2.2


class HostVerdict(Enum):
    OURS = "ours"
    FOREIGN = "foreign"
    """A name or port that is not this listener's: 403, without CORS headers."""
    MALFORMED = "malformed"
    """No host and port at all (RFC 9112 3.2): 400."""


class HostPolicy:
    """The names of one listener: its own addresses, `localhost`, `*.localhost` and what the profile adds.

    A missing port passes: a browser leaves it out only for port 80, so a page elsewhere cannot make use of that, and a person
    with curl can. Another port than ours does not pass. An entry of the profile may name its own port
    (`dev.example.test:8443`), for a tunnel that ends here.
    """

    def __init__(self, names: Iterable[str], addresses: Iterable[str], port: int) -> None:
        self._addresses = frozenset(
            ip_address(address) for address in addresses if not ip_address(address).is_unspecified
        )
        self._names = frozenset(name.lower().rstrip(".") for name in names)
        self._port = port
        self._memo: dict[bytes, HostVerdict] = {}

    def judge(self, host: bytes) -> HostVerdict:
        verdict = self._memo.get(host)
        if verdict is None:
            verdict = self._work_out(host)
            if len(self._memo) >= MEMO_SIZE:
                self._memo.clear()
            self._memo[host] = verdict
        return verdict

    def _work_out(self, host: bytes) -> HostVerdict:
        match = _HOST.fullmatch(host)
        if match is None:
            return HostVerdict.MALFORMED
        literal, name, port = match.groups()
        if literal is not None:
            address = _address(literal.decode())
            if address is None or address.version == 4:
                return HostVerdict.MALFORMED
            whole = f"[{literal.decode().lower()}]"
            known = address in self._addresses
        else:
            whole = name.decode().lower().rstrip(".")
            known = whole == "localhost" or whole.endswith(".localhost") or _address(whole) in self._addresses
        if port and f"{whole}:{int(port)}" in self._names:
            return HostVerdict.OURS
        known = known or whole in self._names
        return HostVerdict.OURS if known and (not port or int(port) == self._port) else HostVerdict.FOREIGN


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
