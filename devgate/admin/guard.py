"""Who may ask at all: host, origin and token, before a handler is looked at (SEMANTICS 4, threats 1, 2, 4, 5, 6).

The token alone keeps pages out: they cannot read the run file, and an `Authorization` header forces a preflight that is never
granted. The other two checks stand in front of it, so that a page learns nothing even about a token that leaked.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from devgate.errors import CommandError
from devgate.gateway.target import BadTarget, parse
from devgate.policy.host import HostPolicy, HostVerdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multidict import CIMultiDictProxy


class Guard:
    """The rules of one listener at `host:port`."""

    def __init__(self, host: str, port: int, token: str) -> None:
        self._hosts = HostPolicy((), (host,), port)
        self._origins = frozenset(f"http://{name}:{port}" for name in (host, "localhost"))
        self._digest = _digest(token)

    def check(self, method: str, target: str, headers: CIMultiDictProxy[str]) -> None:
        """Pass, or say why not. `target` is raw, as the request line has it.

        Raises:
            CommandError: 400 or 403 for a foreign host, origin or site; 401 for a missing or wrong token.
        """
        self._check_host(_names(method, target, headers))
        self._check_page(headers)
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(_digest(token.strip()), self._digest):
            raise CommandError(
                "the control API wants its token",
                hint="send Authorization: Bearer with the token of .devgate/run.json; it changes with every start",
                code="unauthorized",
                status=401,
            )

    def _check_host(self, names: list[bytes]) -> None:
        verdict = self._hosts.judge(names[0]) if len(names) == 1 else None
        if verdict is HostVerdict.OURS:
            return
        malformed = verdict in (None, HostVerdict.MALFORMED)
        raise CommandError(
            "this is not a name of the control API",
            hint="use the address in .devgate/run.json",
            code="bad-host" if malformed else "host-not-allowed",
            status=400 if malformed else 403,
        )

    def _check_page(self, headers: Mapping[str, str]) -> None:
        origin = headers.get("Origin")
        site = headers.get("Sec-Fetch-Site", "none")
        if (origin is not None and origin not in self._origins) or site not in ("same-origin", "none"):
            raise CommandError(
                "pages of other origins may not use the control API",
                hint="ask from a program, not from a page",
                code="origin-not-allowed",
                status=403,
            )


def _names(method: str, target: str, headers: CIMultiDictProxy[str]) -> list[bytes]:
    """What it calls us: in a target of the absolute form, which then counts (RFC 9112 3.2.2), else in `Host`."""
    try:
        named = parse(method, target.encode("utf-8", "surrogateescape")).authority
    except BadTarget:
        return []
    return (
        [name.encode("utf-8", "surrogateescape") for name in headers.getall("Host", [])] if named is None else [named]
    )


def _digest(token: str) -> bytes:
    """Equal lengths, so that a comparison tells nothing about the token's."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
