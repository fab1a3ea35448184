"""Cross-origin rules: which pages may talk to the gateway, and the header lines that tell their browsers so.

Fetch standard 3.2 ("CORS protocol"), SEMANTICS 3.4, and what WebKitGTK and Chromium were measured to do (DESKTOP.md 2).
Everything that can be known beforehand is built once per origin, as bytes: a request costs one dictionary lookup.

Two kinds of question come in. `judge` says for every request what its `Origin` means and which lines its answer carries, whoever
answers: without them page code sees a network error in place of a 502. `preflight` answers the browser's question before a
request; it is never forwarded, since a service that is down could not answer it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devgate.model.gateway import CorsSpec

VARY: Final = b"Vary: Origin\r\n"
"""On every answer, also to requests without an Origin: a cache must never give one page's answer to another's."""
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that a page of a foreign origin may use: they change nothing, and it cannot read the answer."""
MEMO_SIZE: Final = 256

_TOKEN: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 5.6.2

_ORIGIN: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://[!-+\--.0-~]+")  # RFC 6454 6.2; several would have a comma


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one `Origin` means here."""

    allowed: bool
    """Whether any method and an upgrade may pass. Requests without an `Origin` do not come from page code, and pass."""
    origin: bytes
    """As sent; empty where there was none."""
    lines: bytes
    """Header lines of every answer, each ended by CRLF."""

    def refuses(self, method: str, *, upgrade: bool) -> bool:
        """Whether a request must not be forwarded. A WebSocket knows no CORS, so this is all that protects it; and a `POST` of
        plain text needs no preflight, so it would have its effect before the browser hides the answer."""
        return not self.allowed and (upgrade or method not in SAFE)


@dataclass(frozen=True, slots=True)
class Preflight:
    """The answer to a preflight."""

    lines: bytes
    """Of a 204; a refusal carries no `Access-Control-*` at all."""
    refusal: str = ""
    """Which check failed; empty if none did."""
    hint: str = ""


class CorsPolicy:
    """The rules of one listener."""

    def __init__(self, spec: CorsSpec) -> None:
        self.keeps_upstream = spec.upstream != "override"
        """Whether a service's own CORS headers survive; then `complete` says what is added to them."""
        self._fill = spec.upstream == "fill"
        self.origins = spec.origins
        self._any = "*" in spec.origins and not spec.credentials
        self._patterns = tuple(_pattern(origin) for origin in spec.origins if "*" in origin and origin != "*")
        self._methods = frozenset(spec.methods)
        self._headers = frozenset(header.lower() for header in spec.headers)
        rest = b"Access-Control-Allow-Credentials: true\r\n" if spec.credentials else b""
        if spec.expose:
            rest += b"Access-Control-Expose-Headers: %b\r\n" % ", ".join(spec.expose).encode()
        self._rest = rest + VARY
        self._credentials = spec.credentials
        self._max_age = b"Access-Control-Max-Age: %d\r\n" % int(spec.max_age)
        self._none = Verdict(True, b"", VARY)
        self._verdicts: dict[bytes, Verdict] = {
            origin.encode(): self._verdict(origin.encode()) for origin in spec.origins if "*" not in origin
        }
        self._verdicts.pop(b"null", None)
        self._memo: dict[tuple[bytes, bytes], Verdict] = {}

    def judge(self, origin: bytes | None, host: bytes, scheme: bytes = b"http") -> Verdict:
        """What `origin` means on this listener, which the request called `host` (and which that name was found to belong to)."""
        if origin is None:
            return self._none
        verdict = self._verdicts.get(origin) or self._memo.get((origin, host))
        if verdict is None:
            verdict = self._work_out(origin, host, scheme)
            if len(self._memo) >= MEMO_SIZE:
                self._memo.clear()
            self._memo[origin, host] = verdict
        return verdict

    def complete(self, verdict: Verdict, theirs: Sequence[tuple[bytes, bytes]]) -> bytes:
        """The lines to add to a service's own CORS headers (lower-case names), which are kept: nothing but `Vary` where they
        are to be left alone or name another origin than ours would."""
        if not self._fill or not verdict.allowed or not verdict.origin:
            return VARY
        sent = dict(theirs)
        ours = b"*" if self._any else verdict.origin
        if sent.get(b"access-control-allow-origin", ours) != ours:
            return VARY
        lines = verdict.lines.splitlines(keepends=True)
        return b"".join(line for line in lines if line.partition(b":")[0].lower() not in sent)

    def preflight(
        self, verdict: Verdict, method: bytes, headers: bytes | None, *, private_network: bool = False
    ) -> Preflight:
        """Answer `OPTIONS` with `Access-Control-Request-Method: method` and, where sent, `-Headers: headers`.

        It grants what was asked for (SEMANTICS 3.4), and does not ask which methods a route takes: that is the 405 of the request
        itself, which page code can read, with its `Allow`, where a refused preflight is a bare network error.
        """
        if not verdict.allowed:
            return Preflight(b"", *explain_refusal(verdict.origin, self.origins))
        if method.decode("latin-1") not in self._methods:
            return self._refused_method(method.decode("latin-1"))
        asked = [name.strip() for name in (headers or b"").split(b",")]
        names = [name for name in asked if name]
        for name in names:
            if not _TOKEN.fullmatch(name) or not self._allows_header(name.decode().lower()):
                return self._refused_header(name.decode("latin-1"))
        lines = [
            b"Access-Control-Allow-Origin: %b\r\n" % (b"*" if self._any else verdict.origin),
            b"Access-Control-Allow-Credentials: true\r\n" if self._credentials else b"",
            b"Access-Control-Allow-Methods: %b\r\n" % method,
            b"Access-Control-Allow-Headers: %b\r\n" % b", ".join(names) if names else b"",
            b"Access-Control-Allow-Private-Network: true\r\n" if private_network else b"",
            self._max_age,
            b"Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
            b", Access-Control-Request-Private-Network\r\n" if private_network else b"\r\n",
        ]
        return Preflight(b"".join(lines))

    def _work_out(self, origin: bytes, host: bytes, scheme: bytes) -> Verdict:
        own = b"%b://%b" % (scheme, host.lower())
        listed = origin != b"null" and (self._any or any(pattern.fullmatch(origin) for pattern in self._patterns))
        return self._verdict(origin) if listed or origin == own else Verdict(False, origin, VARY)

    def _verdict(self, origin: bytes) -> Verdict:
        allowed = b"*" if self._any else origin
        return Verdict(True, origin, b"Access-Control-Allow-Origin: %b\r\n%b" % (allowed, self._rest))

    def _allows_header(self, name: str) -> bool:
        return name in self._headers or ("*" in self._headers and name != "authorization")

    def _refused_method(self, method: str) -> Preflight:
        if method.upper() in self._methods:
            hint = f"write the method as {method.upper()!r}: browsers send it as it is written, and methods are case-sensitive"
        else:
            hint = f"add {method} to gateway.cors.methods, which has {', '.join(sorted(self._methods)) or 'none'}"
        return Preflight(b"", f"The method {method!r} is not allowed across origins.", hint)

    def _refused_header(self, name: str) -> Preflight:
        hint = f"add {name} to gateway.cors.headers"
        if name.lower() == "authorization" and "*" in self._headers:
            hint += " by name: '*' does not cover it"
        elif near := _nearest(name.lower(), self._headers):
            hint += f", where the nearest entry is {near}"
        return Preflight(b"", f"The request header {name!r} is not allowed across origins.", hint)


def explain_refusal(origin: bytes, origins: Iterable[str]) -> tuple[str, str]:
    """A sentence and a hint about an origin that is not allowed."""
    name = origin.decode("latin-1")
    if name == "null":
        hint = "a sandboxed frame, a data: page or a redirect to another origin sends 'null', and so can any page"
    elif not _ORIGIN.fullmatch(origin):
        hint = "browsers send scheme and host, and the port if it is unusual, of one origin"
    else:
        near = _nearest(name, origins)
        hint = f"add it to gateway.cors.origins{f', where the nearest entry is {near}' if near else ''}"
    return f"The origin {name!r} is not allowed.", hint


def _nearest(name: str, names: Iterable[str]) -> str:
    return next(iter(get_close_matches(name, [known for known in names if known != "*"], n=1)), "")


def _pattern(origin: str) -> re.Pattern[bytes]:
    """`http://*.example.test` stands for exactly one label in place of the star, and for nothing where the star is elsewhere."""
    scheme, mark, rest = origin.partition("://*.")
    if not mark or "*" in scheme + rest or not rest:
        return re.compile(rb"(?!)")
    return re.compile(rb"%b://[a-z0-9-]+\.%b" % (re.escape(scheme.encode()), re.escape(rest.encode())))
